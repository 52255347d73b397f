//! `assent`: the server and its tools. Data goes to standard output, everything else to standard
//! error.

mod args;
mod ask;
mod audit;
mod backup;
mod config;
mod demo;
mod doctor;
mod export;
mod import;
mod init;
mod logging;
mod master_key;
mod migrate;
mod pause;
mod phone;
mod place;
mod restore;
mod serve;
mod store;
mod terminal;
mod transfer;
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
        Command::Migrate(args) => migrate::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Restore(args) => restore::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Audit(args) => audit::run(&args),
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
