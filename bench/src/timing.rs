//! Whether the time of a comparison tells what was compared (T-58), in the manner of dudect
//! (Reparaz, Balasch, Verbauwhede: *Dude, is my code constant time?*).
//!
//! Two classes of inputs are measured in random order, and Welch's test says whether their times
//! have different means. |t| below 4.5 after a million measurements is no evidence of a leak; a
//! comparison that stops at the first difference is measured beside them, to show that the tool
//! can see one.

mod subjects;
mod welch;

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::report;
use subjects::{Subject, subjects};
use welch::Welch;

/// Above it a leak is likely.
const LIKELY: f64 = 4.5;
/// Measurements that say where the long tail of interrupts begins.
const CALIBRATION: usize = 20_000;
/// Tenths of the calibration below the cut.
const KEPT_TENTHS: usize = 9;

/// Measures every subject so many times and prints |t| of each.
pub fn all(measurements: u32) -> Result<()> {
    report::line(&format!("{:<52} {:>8} {:>9} {:>9}", "what", "|t|", "ns, a", "ns, b"));
    for subject in subjects()? {
        let welch = measure(&subject, measurements)?;
        let verdict = match (welch.t().abs() < LIKELY, subject.leaks) {
            (true, false) => "no evidence of a leak",
            (false, true) => "the control: seen, as it should be",
            (false, false) => "LEAKS, or the machine was busy",
            (true, true) => "the control: NOT seen; the other lines mean nothing",
        };
        let (a, b) = welch.means();
        let (name, t) = (subject.name, welch.t().abs());
        report::line(&format!("{name:<52} {t:>8.2} {a:>9.1} {b:>9.1}  {verdict}"));
    }
    Ok(())
}

fn measure(subject: &Subject, measurements: u32) -> Result<Welch> {
    let mut calibration: Vec<f64> = Vec::with_capacity(CALIBRATION);
    for count in 0..CALIBRATION {
        calibration.push(time(subject, count % 2 == 0));
    }
    calibration.sort_by(f64::total_cmp);
    let cut = calibration.get(CALIBRATION / 10 * KEPT_TENTHS).copied().context("no calibration")?;
    let mut welch = Welch::default();
    let mut choices = [0_u8; 4096];
    let mut left = measurements;
    while left > 0 {
        aws_lc_rs::rand::fill(&mut choices).ok().context("no randomness")?;
        for choice in choices.into_iter().take(usize::try_from(left)?) {
            let is_first = choice % 2 == 0;
            let nanos = time(subject, is_first);
            if nanos <= cut {
                welch.add(is_first, nanos);
            }
            left -= 1;
        }
    }
    Ok(welch)
}

fn time(subject: &Subject, is_first: bool) -> f64 {
    let input = if is_first { &subject.first } else { &subject.second };
    let started = Instant::now();
    black_box((subject.act)(black_box(input)));
    started.elapsed().as_secs_f64() * 1e9
}
