//! `assent phone`: an authentication device at the terminal.
//!
//! 1. [`place`](crate::place) says which environment, [`Credential`] whose device this is.
//! 2. [`watch`] hears of requests by server-sent events, asks the person, or answers by itself.
//! 3. `list` shows once what waits; `pair` turns a one-time code into a credential.

mod client;
mod events;
mod show;
mod watch;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args as ClapArgs, Subcommand};

use crate::phone::client::Phone;
use crate::place::{Place, PlaceArgs};
use crate::{logging, pause, terminal};

/// What the device does.
#[derive(ClapArgs, Debug, Clone)]
pub struct PhoneArgs {
    #[command(subcommand)]
    command: Option<PhoneCommand>,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    credential: Credential,
    /// Approve every request without asking
    #[arg(long, conflicts_with = "deny")]
    approve: bool,
    /// Deny every request without asking
    #[arg(long)]
    deny: bool,
    /// Wait this long before an answer that nobody is asked for, for example 3s
    #[arg(long, value_name = "TIME", value_parser = pause::parse, default_value = "0s")]
    after: Duration,
    /// End after so many answers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
}

/// Whose device this is.
#[derive(ClapArgs, Debug, Clone)]
struct Credential {
    /// Credential of the device, as `assent phone pair` prints it
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "ASSENT_DEVICE_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// Person of the --env-file
    #[arg(long = "as", global = true, value_name = "NAME", default_value = "alice")]
    person: String,
}

#[derive(Subcommand, Debug, Clone)]
enum PhoneCommand {
    /// Show once what waits
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Turn a pairing code into a credential
    Pair {
        /// The code, for example ABCD-EFGH
        #[arg(long)]
        code: String,
    },
}

/// Runs the command.
pub fn run(args: &PhoneArgs) -> Result<()> {
    let place = Place::find(&args.place)?;
    match &args.command {
        Some(PhoneCommand::Pair { code }) => pair(&place, code),
        Some(PhoneCommand::List { json }) => list(&phone(place, &args.credential)?, *json),
        None => {
            let mode = match (args.approve, args.deny) {
                (true, _) => watch::Mode::Answer(client::Said::Approve, args.after),
                (_, true) => watch::Mode::Answer(client::Said::Deny, args.after),
                (false, false) => watch::Mode::Ask,
            };
            if mode == watch::Mode::Ask && !terminal::can_ask() {
                bail!(
                    "standard input is not a terminal, so nobody can be asked; answer by itself \
                     with --approve or --deny, or look once with `assent phone list`"
                );
            }
            watch::watch(&phone(place, &args.credential)?, mode, args.count)
        }
    }
}

fn phone(place: Place, credential: &Credential) -> Result<Phone> {
    let named = || place.value(&format!("{}DeviceToken", credential.person));
    let token = credential.token.clone().or_else(named).with_context(|| {
        format!(
            "there is no credential for {:?}: pair first with `assent phone pair --code CODE` and \
             give it as --token or ASSENT_DEVICE_TOKEN, or name a person of the --env-file with --as",
            credential.person
        )
    })?;
    Ok(Phone::new(place, token))
}

fn list(phone: &Phone, json: bool) -> Result<()> {
    let requests = phone.list()?;
    if json {
        logging::print(&terminal::harmless_document(&serde_json::to_string_pretty(&requests)?));
    } else if requests.is_empty() {
        logging::tell("Nothing waits.");
    } else {
        logging::print(&show::table(&requests));
    }
    Ok(())
}

fn pair(place: &Place, code: &str) -> Result<()> {
    let paired = client::pair(place, code)?;
    logging::print(&format!("ASSENT_DEVICE_TOKEN={}", paired.token));
    logging::tell(&format!(
        "Paired device {} of user {}. Keep the credential safe; it is shown only now.",
        terminal::harmless(&paired.device.id),
        terminal::harmless(&paired.user.id)
    ));
    Ok(())
}
