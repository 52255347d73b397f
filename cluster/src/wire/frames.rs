//! Messages of the PostgreSQL frontend: enough to know where one ends and which is a COMMIT.

/// Requests that come before the real startup message and are answered by one octet.
const ENCRYPTION_REQUESTS: [u32; 2] = [80_877_103, 80_877_104];

/// Cuts a stream into messages.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    started: bool,
}

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// All of it.
    pub octets: Vec<u8>,
    /// Whether it is a query whose whole text is COMMIT.
    pub is_commit: bool,
}

impl Frames {
    /// Takes what arrived.
    pub fn feed(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// The next whole message.
    pub fn next(&mut self) -> Option<Frame> {
        // The startup message has no type octet.
        let skip = usize::from(self.started);
        let length = be_u32(self.buffer.get(skip..)?)?;
        let whole = skip + usize::try_from(length).ok()?;
        if self.buffer.len() < whole.max(skip + 4) {
            return None;
        }
        let rest = self.buffer.split_off(whole.max(skip + 4));
        let octets = std::mem::replace(&mut self.buffer, rest);
        if !self.started {
            let code = be_u32(octets.get(4..)?)?;
            self.started = !ENCRYPTION_REQUESTS.contains(&code);
            return Some(Frame { octets, is_commit: false });
        }
        let is_commit = is_commit(&octets);
        Some(Frame { octets, is_commit })
    }
}

fn be_u32(octets: &[u8]) -> Option<u32> {
    octets.first_chunk().map(|octets| u32::from_be_bytes(*octets))
}

fn is_commit(message: &[u8]) -> bool {
    let (Some(b'Q'), Some(text)) = (message.first(), message.get(5..)) else { return false };
    let text = text.strip_suffix(b"\0").unwrap_or(text).trim_ascii();
    text.strip_suffix(b";").unwrap_or(text).eq_ignore_ascii_case(b"COMMIT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], length.as_slice(), body].concat()
    }

    fn startup(code: u32) -> Vec<u8> {
        [8_u32.to_be_bytes(), code.to_be_bytes()].concat()
    }

    #[test]
    fn messages_are_found_whatever_the_pieces() {
        let messages = [
            startup(80_877_103),
            startup(196_608),
            message(b'Q', b"BEGIN\0"),
            message(b'P', b"s\0select 'COMMIT'\0\0\0"),
            message(b'Q', b"select 'COMMIT'\0"),
            message(b'Q', b"COMMIT\0"),
            message(b'Q', b" commit; \0"),
            message(b'Q', b"COMMIT PREPARED 'x'\0"),
        ];
        let stream = messages.concat();
        for piece in [1, 2, 3, 7, 1000] {
            let mut frames = Frames::default();
            let mut seen = Vec::new();
            for octets in stream.chunks(piece) {
                frames.feed(octets);
                seen.extend(std::iter::from_fn(|| frames.next()));
            }
            let commits: Vec<bool> = seen.iter().map(|frame| frame.is_commit).collect();
            assert_eq!(commits, [false, false, false, false, false, true, true, false]);
            let octets: Vec<Vec<u8>> = seen.into_iter().map(|frame| frame.octets).collect();
            assert_eq!(octets, messages, "pieces of {piece}");
        }
    }
}
