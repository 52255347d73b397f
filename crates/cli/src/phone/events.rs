//! Server-sent events (HTML Standard §9.2), as much of them as the device API sends.

use std::io::{self, BufRead, Read};

/// Longest line that is read: a request with fifty long scopes is far below it.
const LINE_BYTES_MAX: u64 = 256 * 1024;

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: String,
}

/// The events of a stream.
pub struct Events<R> {
    lines: R,
}

impl<R: BufRead> Events<R> {
    /// Reads events from `lines`.
    pub fn new(lines: R) -> Self {
        Self { lines }
    }

    /// The next event; `None` when the stream has ended.
    pub fn next_event(&mut self) -> io::Result<Option<Event>> {
        let mut event = Event::default();
        loop {
            let mut line = Vec::new();
            (&mut self.lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                // Ended, or a line without end: an event that is not whole does not count.
                return Ok(None);
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                if event != Event::default() {
                    return Ok(Some(event));
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut event.name),
                "data" => event.data.push_str(value),
                // Comments keep the connection open; other fields are not sent.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_and_comments_are_not() {
        let sent =
            ":\n\nevent: request\ndata: {\"id\":\"a:b\"}\n\n: beat\n\nevent:gone\r\ndata:x\r\n\r\n";
        let mut events = Events::new(sent.as_bytes());
        let event = |name: &str, data: &str| Event { name: name.into(), data: data.into() };
        assert_eq!(events.next_event().unwrap(), Some(event("request", "{\"id\":\"a:b\"}")));
        assert_eq!(events.next_event().unwrap(), Some(event("gone", "x")));
        assert_eq!(events.next_event().unwrap(), None);
    }

    #[test]
    fn an_event_that_broke_off_does_not_count() {
        let mut events = Events::new("event: request\ndata: {}\n".as_bytes());
        assert_eq!(events.next_event().unwrap(), None);
    }

    #[test]
    fn a_line_without_end_ends_the_stream() {
        let endless = io::repeat(b'x');
        let mut events = Events::new(io::BufReader::new(endless));
        assert_eq!(events.next_event().unwrap(), None);
    }
}
