//! Cut-offs (T-92): what was given out before counts no more, whatever it says of itself. An
//! environment has one, an application and a person; the newest wins.

use crate::time::{Seconds, Timestamp};

/// The cut-off that is set `now`. Tokens tell whole seconds, so it is the next one: what is given
/// out in the rest of this second counts no more either, rather than what came before it counting.
pub fn at(now: Timestamp) -> Timestamp {
    let next = now.plus(Seconds::new(1)).as_millis();
    Timestamp::from_millis(next - next % 1000)
}

/// Whether what was given out at `given` still counts, whichever of these cut-offs there are.
pub fn counts<const N: usize>(given: Timestamp, cut_offs: [Option<Timestamp>; N]) -> bool {
    cut_offs.into_iter().flatten().max().is_none_or(|newest| given >= newest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_newest_cut_off_wins(
            given in 0_u64..1000,
            cut_offs in prop::array::uniform3(prop::option::of(0_u64..1000)),
        ) {
            let counted = counts(
                Timestamp::from_millis(given),
                cut_offs.map(|it| it.map(Timestamp::from_millis)),
            );
            prop_assert_eq!(counted, cut_offs.iter().flatten().all(|cut_off| given >= *cut_off));
        }

        #[test]
        fn a_cut_off_is_the_next_whole_second(now in 0_u64..1_000_000) {
            let cut_off = at(Timestamp::from_millis(now)).as_millis();
            prop_assert!(cut_off > now && cut_off <= now + 1000 && cut_off.is_multiple_of(1000));
        }
    }
}
