//! How octets become the parts of an input: readable, so that corpora can be read and written.

/// The first line, as an octet of switches and the rest of that line, and all lines after it.
pub fn switched(data: &[u8]) -> Option<(u8, &str)> {
    let (switches, rest) = data.split_first()?;
    Some((*switches, std::str::from_utf8(rest).ok()?))
}

/// Text before and after the first line break.
pub fn halves(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// A number below `bound`, taken from a switch.
pub fn below(switches: u8, bound: u8) -> usize {
    usize::from(switches % bound)
}
