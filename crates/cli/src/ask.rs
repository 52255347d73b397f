//! `assent ask`: an application in one command.
//!
//! 1. Discovery finds the endpoints ([`server`]).
//! 2. A request begins ([`begin`]), authenticated as [`credentials`] says.
//! 3. The token endpoint is polled at its pace ([`poll`]) while [`progress`] shows the wait.
//! 4. The tokens are shown decoded ([`show`]); nothing secret goes to standard error.

mod begin;
pub mod credentials;
mod poll;
mod progress;
mod server;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::ask::begin::Question;
use crate::ask::credentials::{ClientArgs, Credentials};
use crate::ask::server::Server;
use crate::place::{Place, PlaceArgs};
use crate::{logging, terminal};

/// Who is asked what, by whom.
#[derive(ClapArgs, Debug, Clone)]
#[command(after_help = "Exit status: 0 approved, 3 denied, 4 expired, 1 anything else.")]
pub struct AskArgs {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    question: Question,
    /// Print the token response as it came, tokens included
    #[arg(long)]
    json: bool,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The person said yes; the tokens are printed.
    Approved,
    /// The person said no.
    Denied,
    /// Nobody said anything in time.
    Expired,
}

impl Outcome {
    /// What the process says.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Approved => ExitCode::SUCCESS,
            Self::Denied => ExitCode::from(3),
            Self::Expired => ExitCode::from(4),
        }
    }
}

/// Runs the command.
pub fn run(args: &AskArgs) -> Result<Outcome> {
    let place = Place::find(&args.place)?;
    let credentials = Credentials::find(&args.client, &place)?;
    let server = Server::discover(place, credentials)?;
    let begun = begin::begin(&server, &args.question)?;
    let end = poll::poll(&server, &begun, &args.question.whom())?;
    match end {
        poll::End::Tokens(body) => {
            logging::tell("Approved.");
            let words = if args.json { show::raw(&body) } else { show::decoded(&body)? };
            let safe = if terminal::shows_data() || !args.json {
                terminal::harmless_document(&words)
            } else {
                words
            };
            logging::print(&safe);
            Ok(Outcome::Approved)
        }
        poll::End::Denied => {
            logging::tell("Denied.");
            Ok(Outcome::Denied)
        }
        poll::End::Expired => {
            logging::tell("Expired: nobody answered in time.");
            Ok(Outcome::Expired)
        }
    }
}
