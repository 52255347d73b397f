//! I8: every change of a request or a family is told by the commit that makes it, and what is told
//! becomes one chain, whoever makes links of it and whatever fails.

use std::collections::BTreeSet;

use assent_protocol::audit::chain::{Anchor, Head, Verifier};
use assent_protocol::keys::EnvironmentKeys;
use assent_protocol::record::{Key, Kind, Record};

use crate::simulation::memory::Memory;
use crate::simulation::scene::{Changed, Scene};
use crate::simulation::town::{Town, master};

/// Holds one commit against the rule.
pub fn check_commit(scene: &Scene, changes: &[Changed]) {
    // The town itself is built before anybody could tell of it.
    if scene.running().is_none() {
        return;
    }
    let told = changes.iter().any(|it| it.key.kind == Kind::AuditEntry && it.after.is_some());
    let acts = changes.iter().find(|it| is_act(it));
    if let (Some(act), false) = (acts, told) {
        scene.violate(format!("I8 a commit that is not told: {:?}", act.key.kind));
    }
}

/// Whether a change is one that somebody has to account for; what was forgotten is none.
fn is_act(changed: &Changed) -> bool {
    match changed.key.kind {
        Kind::Authentication => changed.after.is_some(),
        Kind::Grant => changed.before.is_some() && changed.after.is_some(),
        Kind::SigningKey => true,
        _ => false,
    }
}

/// At the end every entry is one link of a chain that is whole.
pub fn check_end(scene: &Scene, memory: &Memory, town: &Town) {
    if !memory.all(Kind::AuditEntry).is_empty() {
        scene.violate("I8 an entry has no place");
    }
    for quarter in &town.quarters {
        let found = memory.read(&Key::environment(quarter.id));
        let Some((Record::Environment(environment), _)) = found else { continue };
        let root = environment.open_root_key(&master()).unwrap();
        let keys = EnvironmentKeys::derive(root).unwrap();
        let heads = memory.all(Kind::AuditHead);
        let head = heads.iter().find_map(|record| match record {
            Record::AuditHead(head) if head.env == quarter.id => Some(Head::clone(head)),
            _ => None,
        });
        let Some(head) = head else { continue };
        if !head.is_sealed(keys.audit()) {
            scene.violate("I8 a head is not sealed");
        }
        check_chain(scene, memory, &head);
    }
}

fn check_chain(scene: &Scene, memory: &Memory, head: &Head) {
    let mut verifier = Verifier::after(head.trimmed);
    let mut names = BTreeSet::new();
    for record in memory.all(Kind::AuditLink) {
        let Record::AuditLink(link) = record else { continue };
        if link.entry.env != head.env {
            continue;
        }
        let place = Anchor { hash: link.hash, seq: link.seq };
        let entry = link.entry.canonical().unwrap();
        if let Err(misfit) = verifier.follow(place, link.previous, &entry) {
            scene.violate(format!("I8 {misfit}"));
        }
        if !names.insert(link.entry.id) {
            scene.violate("I8 an entry became two links");
        }
    }
    if let Err(misfit) = verifier.end(head) {
        scene.violate(format!("I8 {misfit}"));
    }
}
