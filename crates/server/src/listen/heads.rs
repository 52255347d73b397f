//! Where heads and bodies begin and end in the octets of an HTTP/1.1 connection, so that the parser
//! is handed one part at a time and nobody before us can have seen another end than we do (T-72).

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

/// How long the body is that follows the head which was parsed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many octets (RFC 9112 §6.2).
    Exact(u64),
    /// Its end is found in itself (RFC 9112 §7.1). No further request is read behind it.
    Chunked,
}

/// Where the parser says what follows the head it has parsed.
#[derive(Clone, Default)]
pub struct Parsed(Arc<Mutex<Option<Length>>>);

impl Parsed {
    /// A head was parsed.
    pub fn say(&self, length: Length) {
        *self.0.lock() = Some(length);
    }
}

/// The octets of a connection, part by part.
pub struct Heads {
    part: Part,
    parsed: Parsed,
    /// What was received behind the part that is being read.
    pub ahead: Bytes,
}

enum Part {
    Head(Head),
    /// The head is whole; what follows is said when it is parsed.
    Whole,
    Body(u64),
    Chunks,
}

/// How far a head has come.
#[derive(Default)]
struct Head {
    /// The last octet.
    last: u8,
    /// Octets of the line so far, its end not among them.
    line: usize,
    /// Whether a line has come.
    begun: bool,
}

impl Heads {
    /// Before a head, of which `ahead` was received already.
    pub fn new(parsed: Parsed, ahead: Bytes) -> Self {
        Self { part: Part::Head(Head::default()), parsed, ahead }
    }

    /// Whether the next octet begins a head.
    pub const fn begins(&self) -> bool {
        matches!(self.part, Part::Head(Head { last: 0, line: 0, .. }))
    }

    /// To be called before octets are taken.
    ///
    /// # Errors
    /// The parser asks for more behind a head that it has not parsed: it has seen another end.
    pub fn turn(&mut self) -> io::Result<()> {
        if matches!(self.part, Part::Whole) {
            let length = self.parsed.0.lock().take();
            self.part = match length.ok_or(io::ErrorKind::InvalidData)? {
                Length::Exact(0) => Part::Head(Head::default()),
                Length::Exact(octets) => Part::Body(octets),
                Length::Chunked => Part::Chunks,
            };
        }
        Ok(())
    }

    /// How many of the octets belong to the part that is being read; at least one, if there is one.
    /// A line of a head ends with both characters; a line feed alone becomes NUL, which no parser
    /// takes for anything.
    pub fn take(&mut self, octets: &mut [u8]) -> usize {
        match &mut self.part {
            Part::Head(head) => {
                let (count, ended) = head.take(octets);
                if ended {
                    self.part = Part::Whole;
                }
                count
            }
            Part::Body(left) => {
                let count = octets.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left = left.saturating_sub(count as u64);
                if *left == 0 {
                    self.part = Part::Head(Head::default());
                }
                count
            }
            Part::Whole | Part::Chunks => octets.len(),
        }
    }
}

impl Head {
    /// Looks at octets as far as the head goes: how many are of it, and whether it has ended.
    fn take(&mut self, octets: &mut [u8]) -> (usize, bool) {
        for (count, octet) in (1..).zip(octets.iter_mut()) {
            match *octet {
                b'\n' if self.last == b'\r' => {
                    // Empty lines before the first are skipped (RFC 9112 §2.2).
                    if self.begun && self.line == 1 {
                        return (count, true);
                    }
                    self.begun |= self.line > 1;
                    self.line = 0;
                }
                b'\n' => {
                    *octet = 0;
                    self.line += 1;
                }
                _ => self.line += 1,
            }
            self.last = *octet;
        }
        (octets.len(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the parser is handed, part by part, when it says of every head what is in `lengths`.
    fn parts(octets: &str, piece: usize, lengths: &[Length]) -> Vec<String> {
        let parsed = Parsed::default();
        let mut heads = Heads::new(parsed.clone(), Bytes::new());
        let (mut parts, mut part) = (Vec::new(), String::new());
        let mut lengths = lengths.iter();
        let mut octets = octets.as_bytes().to_vec();
        let mut rest = octets.as_mut_slice();
        while !rest.is_empty() {
            if heads.turn().is_err() {
                parts.push(String::from("disagreed"));
                return parts;
            }
            let read = rest.len().min(piece);
            let count = heads.take(&mut rest[..read]);
            assert!(count > 0, "nothing is the end of a connection");
            let (taken, left) = rest.split_at_mut(count);
            part += &String::from_utf8_lossy(taken).replace('\0', "!");
            rest = left;
            if matches!(heads.part, Part::Whole) || heads.begins() {
                parts.push(std::mem::take(&mut part));
            }
            if matches!(heads.part, Part::Whole)
                && let Some(length) = lengths.next()
            {
                parsed.say(*length);
            }
        }
        parts.extend((!part.is_empty()).then_some(part));
        parts
    }

    #[test]
    fn heads_and_bodies_are_handed_out_one_by_one() {
        use Length::{Chunked, Exact};
        let cases: [(&str, &[Length], &[&str]); 8] = [
            ("a\r\n\r\nb\r\n\r\n", &[Exact(0), Exact(0)], &["a\r\n\r\n", "b\r\n\r\n"]),
            ("a\r\nb\nc\r\n\r\n", &[Exact(0)], &["a\r\nb!c\r\n\r\n"]),
            ("a\nb\n\n", &[], &["a!b!!"]),
            ("\r\n\r\na\r\nb\n\r\n\r\n", &[Exact(0)], &["\r\n\r\na\r\nb!\r\n\r\n"]),
            ("\na\r\n\r\n", &[Exact(0)], &["!a\r\n\r\n"]),
            (
                "a\r\n\r\nx\n\r\n\r\nb\n\r\n\r\n",
                &[Exact(6), Exact(0)],
                &["a\r\n\r\n", "x\n\r\n\r\n", "b!\r\n\r\n"],
            ),
            ("a\r\n\r\n1\r\nx\n0\r\n\r\n", &[Chunked], &["a\r\n\r\n", "1\r\nx\n0\r\n\r\n"]),
            ("a\r\n\r\nb", &[], &["a\r\n\r\n", "disagreed"]),
        ];
        for (octets, lengths, expected) in cases {
            for piece in 1..=octets.len() {
                assert_eq!(parts(octets, piece, lengths), expected, "{octets:?} by {piece}");
            }
        }
    }
}
