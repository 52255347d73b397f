//! `assent ask`: an application in one command.
//!
//! 1. Discovery finds the endpoints ([`server`]).
//! 2. A request begins ([`mod@begin`]), authenticated as [`credentials`] says.
//! 3. The token endpoint is polled at its pace ([`poll`]) while [`progress`] shows the wait; or
//!    the outcome is waited for ([`notified`]) at an endpoint of our own ([`catch`]).
//! 4. The tokens are shown decoded ([`show`]); nothing secret goes to standard error.

mod begin;
mod catch;
pub mod credentials;
mod notified;
mod poll;
mod progress;
mod server;
mod show;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use assent_protocol::secret::Secret;
use clap::{Args as ClapArgs, ValueEnum};

use crate::ask::begin::{Begun, Question};
use crate::ask::catch::{CatchArgs, Catcher};
use crate::ask::credentials::{ClientArgs, Credentials, DemoApp};
use crate::ask::poll::{End, Pace};
use crate::ask::progress::Progress;
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
    /// How the outcome gets here
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Mode::Poll)]
    mode: Mode,
    #[command(flatten)]
    catch: CatchArgs,
    /// Print the token response as it came, tokens included
    #[arg(long)]
    json: bool,
}

/// How the outcome gets here.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Ask for it every few seconds
    Poll,
    /// Ask for it with requests that the server holds until there is one
    Wait,
    /// Be told that there is one, at an endpoint of our own, and ask for it
    Ping,
    /// Be sent it, at an endpoint of our own
    Push,
}

impl Mode {
    /// The demonstration's application that is registered for it.
    fn usual_app(self) -> DemoApp {
        match self {
            Self::Poll | Self::Wait => DemoApp::Basic,
            Self::Ping => DemoApp::Ping,
            Self::Push => DemoApp::Push,
        }
    }
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
    let credentials = Credentials::find(&args.client, args.mode.usual_app(), &place)?;
    match outcome(args, place, credentials)? {
        End::Tokens(body) => {
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
        End::Denied => {
            logging::tell("Denied.");
            Ok(Outcome::Denied)
        }
        End::Expired => {
            logging::tell("Expired: nobody answered in time.");
            Ok(Outcome::Expired)
        }
    }
}

fn outcome(args: &AskArgs, place: Place, credentials: Credentials) -> Result<End> {
    match args.mode {
        Mode::Poll => polled(args, &Server::discover(place, credentials)?, Pace::Interval),
        Mode::Wait => polled(args, &Server::discover(place, credentials)?, Pace::Held),
        Mode::Ping => {
            // Open before the server hears of it.
            let catcher = Catcher::open(&args.catch, &place)?;
            let server = Server::discover(place, credentials)?;
            let (begun, progress) = begin(args, &server, Some(&catcher.token))?;
            notified::pinged(&server, &begun, &catcher.caught, &progress)
        }
        Mode::Push => {
            let catcher = Catcher::open(&args.catch, &place)?;
            let server = Server::discover(place, credentials)?;
            let (begun, progress) = begin(args, &server, Some(&catcher.token))?;
            notified::pushed(&begun, &catcher.caught, &progress)
        }
    }
}

fn polled(args: &AskArgs, server: &Server, pace: Pace) -> Result<End> {
    let (begun, progress) = begin(args, server, None)?;
    poll::poll(server, &begun, &progress, pace)
}

fn begin(args: &AskArgs, server: &Server, token: Option<&Secret>) -> Result<(Begun, Progress)> {
    let begun = begin::begin(server, &args.question, token)?;
    if let Some(number) = &begun.number {
        let number = terminal::harmless(number);
        logging::tell(&format!("The number to compare on the other device: {number}"));
    }
    let lifetime = Duration::from_secs(begun.expires_in.into());
    Ok((begun, Progress::new(&args.question.whom(), lifetime)))
}
