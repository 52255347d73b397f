//! `assent`: the server and its tools. Data goes to standard output, everything else to standard
//! error.

mod args;
mod ask;
mod backup;
mod config;
mod demo;
mod doctor;
mod init;
mod logging;
mod master_key;
mod pause;
mod phone;
mod place;
mod serve;
mod terminal;
mod web;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Phone(args) => phone::run(&args),
        Command::Ask(args) => match ask::run(&args) {
            Ok(outcome) => return outcome.exit_code(),
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logging::complain(&error);
            ExitCode::FAILURE
        }
    }
}
