//! What is reported of notifications.

use std::collections::BTreeMap;
use std::time::Duration;

use super::spread;
use crate::history::{Arrival, Content, End, History};

/// A paragraph.
pub fn told(history: &History) -> String {
    let mut about: BTreeMap<usize, Vec<&Arrival>> = BTreeMap::new();
    for arrival in &history.arrivals {
        if let Some(request) = arrival.request {
            about.entry(request).or_default().push(arrival);
        }
    }
    let heard = about.values().filter(|all| all.iter().any(|it| it.end.is_taken()));
    let (pings, pushes): (Vec<_>, Vec<_>) =
        heard.partition(|all| all.iter().all(|it| it.content == Content::Ping));
    let again: usize = about.values().map(|all| again_after(all, End::Taken)).sum();
    let unheard: usize = about.values().map(|all| again_after(all, End::TakenInSilence)).sum();
    let dead = history.listed.as_ref().map_or(0, |listed| listed.dead.len());
    let witnessed = history.arrivals.iter().filter(|it| it.witness.is_some()).count();
    let takeovers: Vec<Duration> = about.values().flat_map(|all| takeovers(all)).collect();
    format!(
        "{} pings and {} pushes reached their receivers in {} calls; {}. {again} came again though \
         the receiver had answered 204 (its answer, or the node, was lost), {unheard} because it \
         had taken them without an answer. Nodes broke off {} calls, because they or their network \
         died; {} of these clients were called again, after {} (p50 / max). {dead} notifications \
         are listed as given up. At {witnessed} of the calls the database was asked at that \
         moment whether what they tell of was committed.\n\n",
        pings.len(),
        pushes.len(),
        history.arrivals.len(),
        ends(history),
        history.arrivals.iter().filter(|it| it.end == End::Abandoned).count(),
        takeovers.len(),
        spread(takeovers.iter().copied()),
    )
}

/// How the receivers treated calls on purpose.
fn ends(history: &History) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for arrival in &history.arrivals {
        let name = match arrival.end {
            End::Taken | End::Abandoned => continue,
            End::TakenInSilence => String::from("taken without an answer"),
            End::Refused(status) => format!("answered {status}"),
            End::Reset => String::from("broken off"),
            End::Open => String::from("under way in the end"),
        };
        *counts.entry(name).or_default() += 1;
    }
    let shown: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    if shown.is_empty() { String::from("none failed on purpose") } else { shown.join(", ") }
}

/// Calls that came after one of this end, and not because of something else.
fn again_after(all: &[&Arrival], end: End) -> usize {
    all.iter().zip(all.iter().skip(1)).filter(|(before, _)| before.end == end).count()
}

/// From calls that a node broke off to the next call about the same request.
fn takeovers(all: &[&Arrival]) -> Vec<Duration> {
    let pairs = all.iter().zip(all.iter().skip(1));
    let broken = pairs.filter(|(before, _)| before.end == End::Abandoned);
    broken.map(|(before, next)| next.at.saturating_sub(before.ended)).collect()
}
