//! Waiting for requests and answering them, over as many connections as it takes.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::phone::client::{Answered, Phone, Request, Said};
use crate::phone::events::Events;
use crate::phone::show;
use crate::web::Stream;
use crate::{logging, pause, terminal};

/// First pause before a new connection; it doubles with every failure.
const BACK_OFF_FIRST: Duration = Duration::from_secs(1);
const BACK_OFF_MAX: Duration = Duration::from_secs(30);

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The person at the terminal.
    Ask,
    /// Nobody: always the same, after a pause.
    Answer(Said, Duration),
}

/// What is known of a request that the server told of.
enum Known {
    /// Answered here, or too late.
    Settled,
    /// Left for another device; in a few words.
    Skipped(String),
}

/// Why a stream is not read any more.
enum End {
    /// As many answers as were wanted, or the person went away.
    Finished,
    /// The stream broke; in words.
    Broken(String),
}

struct Watch<'a> {
    phone: &'a Phone,
    mode: Mode,
    left: Option<u32>,
    known: HashMap<String, Known>,
}

/// Watches until `count` requests were answered, or for ever.
pub fn watch(phone: &Phone, mode: Mode, count: Option<u32>) -> Result<()> {
    let mut watch = Watch { phone, mode, left: count, known: HashMap::new() };
    let mut back_off = BACK_OFF_FIRST;
    loop {
        let end = match phone.events() {
            Ok(stream) => {
                let stream = stream?;
                logging::tell("Connected; waiting for requests (stop with Ctrl-C).");
                back_off = BACK_OFF_FIRST;
                watch.read(stream)?
            }
            Err(error) => End::Broken(format!("{error:#}")),
        };
        match end {
            End::Finished => return Ok(()),
            End::Broken(why) => {
                logging::tell(&format!("{why}; trying again in {} s", back_off.as_secs()));
                pause::pause(back_off);
                back_off = (back_off * 2).min(BACK_OFF_MAX);
            }
        }
    }
}

#[derive(Deserialize)]
struct Gone {
    id: String,
}

impl Watch<'_> {
    fn read(&mut self, stream: Stream) -> Result<End> {
        let mut events = Events::new(stream);
        loop {
            let event = match events.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(End::Broken(String::from("the server ended the stream"))),
                Err(error) => return Ok(End::Broken(format!("the stream broke: {error}"))),
            };
            let unclear = "the server sent an event that this version does not understand";
            match event.name.as_str() {
                "request" => {
                    let request = serde_json::from_str(&event.data).context(unclear)?;
                    if let Some(end) = self.meet(&request)? {
                        return Ok(end);
                    }
                }
                "gone" => {
                    let gone: Gone = serde_json::from_str(&event.data).context(unclear)?;
                    if let Some(Known::Skipped(words)) = self.known.remove(&gone.id) {
                        logging::tell(&format!("Does not wait any more: {words}"));
                    }
                }
                _ => {}
            }
        }
    }

    /// Answers a request unless that was done before.
    fn meet(&mut self, request: &Request) -> Result<Option<End>> {
        if self.known.contains_key(&request.id) {
            return Ok(None);
        }
        let (said, number) = match self.mode {
            Mode::Answer(Said::Approve, _) if request.number_matching.is_some() => {
                let words = show::brief(request);
                logging::tell(&format!("Left, because nobody sees its number: {words}"));
                self.known.insert(request.id.clone(), Known::Skipped(words));
                return Ok(None);
            }
            Mode::Answer(said, after) => {
                pause::pause(after);
                (said, None)
            }
            Mode::Ask => match question(request)? {
                Asked::Said(said, number) => (said, number),
                Asked::Skip => {
                    let words = show::brief(request);
                    self.known.insert(request.id.clone(), Known::Skipped(words));
                    return Ok(None);
                }
                Asked::Left => return Ok(Some(End::Finished)),
            },
        };
        self.answer(request, said, number.as_deref())
    }

    fn answer(
        &mut self,
        request: &Request,
        said: Said,
        number: Option<&str>,
    ) -> Result<Option<End>> {
        let words = show::brief(request);
        match self.phone.answer(&request.id, said, number)? {
            Answered::Done => {
                logging::print(&format!("{}: {words}", said.done()));
                self.left = self.left.map(|left| left.saturating_sub(1));
            }
            Answered::TooLate(why) => logging::tell(&format!("Too late: {words}: {why}")),
            Answered::Refused(why) => {
                logging::tell(&format!("Not {}: {words}: {why}", said.done()))
            }
            // Still unknown here, so the next stream tells of it again.
            Answered::NotNow(why) => {
                return Ok(Some(End::Broken(format!("{words} is not answered: {why}"))));
            }
        }
        self.known.insert(request.id.clone(), Known::Settled);
        Ok((self.left == Some(0)).then_some(End::Finished))
    }
}

enum Asked {
    /// An answer, and the number that goes with it.
    Said(Said, Option<String>),
    Skip,
    Left,
}

fn question(request: &Request) -> Result<Asked> {
    logging::tell(&show::question(request));
    loop {
        let prompt = "[a]pprove, [d]eny, [s]kip, [r]eport as not mine? ";
        match ask(prompt)?.as_deref() {
            None => return Ok(Asked::Left),
            Some("a" | "approve") => match number(request)? {
                Some(number) => return Ok(Asked::Said(Said::Approve, number)),
                None => return Ok(Asked::Left),
            },
            Some("d" | "deny") => return Ok(Asked::Said(Said::Deny, None)),
            Some("s" | "skip") => return Ok(Asked::Skip),
            Some("r" | "report") => return Ok(Asked::Said(Said::Report, None)),
            Some(_) => logging::tell("Please type a, d, s or r."),
        }
    }
}

/// The number that the person sees at the other end, where one is wanted; `None`: they left.
fn number(request: &Request) -> Result<Option<Option<String>>> {
    let Some(matching) = &request.number_matching else { return Ok(Some(None)) };
    let choices = matching.choices.join(", ");
    let prompt = if choices.is_empty() {
        String::from("The number that you see where you started: ")
    } else {
        format!("The number that you see where you started ({}): ", terminal::harmless(&choices))
    };
    loop {
        match ask(&prompt)? {
            None => return Ok(None),
            Some(line) if line.len() == 2 && line.bytes().all(|it| it.is_ascii_digit()) => {
                return Ok(Some(Some(line)));
            }
            Some(_) => logging::tell("Please type two digits; a wrong number denies."),
        }
    }
}

fn ask(prompt: &str) -> Result<Option<String>> {
    terminal::ask(prompt).context("the terminal is gone")
}
