//! Number matching: the asking side shows a number, and whoever approves shows that they see it.

use crate::application::NumberMatching;
use crate::ciba::authentication::Number;

/// Numbers have two digits, and none begins with zero.
const FIRST: u8 = 10;
const COUNT: u8 = 90;

impl Number {
    /// Draws the numbers of a request; `None`: the application matches none.
    pub fn draw(matching: NumberMatching, random: [[u8; 8]; 3]) -> Option<Self> {
        match matching {
            NumberMatching::None => None,
            NumberMatching::SelectNumber => {
                let drawn @ [shown, _, _] = draw_three(random);
                let mut choices = drawn;
                // In ascending order, so that their places say nothing.
                choices.sort_unstable();
                Some(Self { shown, choices: Some(choices) })
            }
            NumberMatching::EnterManually => {
                let [shown, _, _] = draw_three(random);
                Some(Self { shown, choices: None })
            }
        }
    }

    /// A number as it is read out.
    pub fn text(number: u8) -> String {
        format!("{number:02}")
    }

    /// What a person picked or typed; `None`: it is no number at all.
    pub fn parse(text: &str) -> Option<u8> {
        let text = text.trim();
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse().ok() } else { None }
    }
}

/// Three different numbers.
fn draw_three([one, two, three]: [[u8; 8]; 3]) -> [u8; 3] {
    let first = FIRST + below(COUNT, one);
    let second = FIRST + below(COUNT - 1, two);
    let second = if second >= first { second + 1 } else { second };
    let third = FIRST + below(COUNT - 2, three);
    let (low, high) = (first.min(second), first.max(second));
    let third = if third >= low { third + 1 } else { third };
    let third = if third >= high { third + 1 } else { third };
    [first, second, third]
}

/// A number below `count`; 64 bits make the unevenness too small to matter.
fn below(count: u8, random: [u8; 8]) -> u8 {
    u8::try_from(u64::from_be_bytes(random) % u64::from(count)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn three_different_numbers_of_two_digits_are_drawn(random in any::<[[u8; 8]; 3]>()) {
            let number = Number::draw(NumberMatching::SelectNumber, random).unwrap();
            let choices = number.choices.unwrap();
            prop_assert!(choices.is_sorted_by(|one, other| one < other));
            prop_assert!(choices.iter().all(|it| (10..=99).contains(it)));
            prop_assert!(choices.contains(&number.shown));
        }
    }

    #[test]
    fn the_extremes_are_drawn_too() {
        let low = [[0; 8]; 3];
        assert_eq!(draw_three(low), [10, 11, 12]);
        let last = |count: u64| (count - 1).to_be_bytes();
        assert_eq!(draw_three([last(90), last(89), last(88)]), [99, 98, 97]);
        assert_eq!(draw_three([last(90), [0; 8], last(88)]), [99, 10, 98]);
        assert_eq!(Number::draw(NumberMatching::None, low), None);
    }

    #[test]
    fn two_digits_are_a_number_and_nothing_else_is() {
        for (text, number) in [
            ("42", Some(42)),
            (" 42\n", Some(42)),
            ("07", Some(7)),
            ("", None),
            ("4", None),
            ("+4", None),
            ("-1", None),
            ("042", None),
            ("4 2", None),
            ("４２", None),
            ("x", None),
        ] {
            assert_eq!(Number::parse(text), number, "{text:?}");
        }
        assert_eq!(Number::text(7), "07");
    }
}
