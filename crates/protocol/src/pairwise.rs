//! Names of people that mean nothing outside one sector (OIDC Core §8.1, R-252).
//!
//! A name is deterministic encryption of the person's identifier, in the manner of SIV (RFC 5297):
//! a MAC over person and sector, and the person under a mask that is a MAC of that. So it is the
//! same at every time and on every node, nobody without the environment's keys learns anything
//! from it or from two of them, and we find the person again without a record or a claim for it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::id::UserId;
use crate::sealing::{RootKey, Unsealable};

/// Octets of each half of a name.
const HALF: usize = 16;

/// The keys under the names of one environment.
#[derive(Clone)]
pub struct PairwiseKeys {
    tags: hmac::Key,
    masks: hmac::Key,
}

impl PairwiseKeys {
    /// Derives the keys.
    ///
    /// # Errors
    /// Only if key derivation itself fails.
    pub fn derive(root: &RootKey) -> Result<Self, Unsealable> {
        Ok(Self {
            tags: root.mac_key("pairwise_subject")?,
            masks: root.mac_key("pairwise_subject_mask")?,
        })
    }

    /// What `user` is called in `sector`: 43 characters of base64url.
    pub fn subject(&self, sector: &str, user: UserId) -> String {
        let tag = self.tag(sector, user);
        let masked = self.masked(tag, *user.as_bytes());
        URL_SAFE_NO_PAD.encode([tag, masked].concat())
    }

    /// Who is called `subject`, in whatever sector. Only for names that stand in tokens of ours:
    /// of others it would make people who do not exist.
    pub fn person(&self, subject: &str) -> Option<UserId> {
        let octets = URL_SAFE_NO_PAD.decode(subject).ok()?;
        let (tag, masked) = octets.split_at_checked(HALF)?;
        let user = self.masked(tag.try_into().ok()?, masked.try_into().ok()?);
        Some(UserId::from_bytes(user))
    }

    /// Who is called `subject` in `sector`, wherever the name comes from.
    pub fn person_in(&self, sector: &str, subject: &str) -> Option<UserId> {
        let user = self.person(subject)?;
        let known = self.subject(sector, user);
        verify_slices_are_equal(known.as_bytes(), subject.as_bytes()).ok().map(|()| user)
    }

    fn tag(&self, sector: &str, user: UserId) -> [u8; HALF] {
        let mut context = hmac::Context::with_key(&self.tags);
        context.update(user.as_bytes());
        context.update(sector.as_bytes());
        half(&context.sign())
    }

    /// Masking twice is not masking.
    fn masked(&self, tag: [u8; HALF], user: [u8; HALF]) -> [u8; HALF] {
        let mask = half(&hmac::sign(&self.masks, &tag));
        let mut masked = user;
        for (octet, by) in masked.iter_mut().zip(mask) {
            *octet ^= by;
        }
        masked
    }
}

fn half(tag: &hmac::Tag) -> [u8; HALF] {
    tag.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn keys(octet: u8) -> PairwiseKeys {
        PairwiseKeys::derive(&RootKey::new([octet; 32])).unwrap()
    }

    #[test]
    fn a_name_is_the_same_each_time_and_another_in_each_sector_and_environment() {
        let user = UserId::from_bytes([7; 16]);
        let name = keys(1).subject("shop.example.com", user);
        assert_eq!(name, keys(1).subject("shop.example.com", user));
        assert_eq!(name.len(), 43);
        assert!(name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)));
        let all = [
            name.clone(),
            keys(1).subject("bank.example.com", user),
            keys(1).subject("shop.example.com", UserId::NIL),
            keys(2).subject("shop.example.com", user),
        ];
        // Neither half gives away that two names are of one person.
        for half in [&(0..21), &(22..43)] {
            let halves: HashSet<&str> = all.iter().map(|name| &name[half.clone()]).collect();
            assert_eq!(halves.len(), all.len());
        }
    }

    #[test]
    fn a_name_leads_back_to_its_person_with_the_keys_of_its_environment_alone() {
        let user = UserId::from_bytes([7; 16]);
        let name = keys(1).subject("shop.example.com", user);
        assert_eq!(keys(1).person(&name), Some(user));
        assert_ne!(keys(2).person(&name), Some(user));
        assert_eq!(keys(1).person_in("shop.example.com", &name), Some(user));
        assert_eq!(keys(1).person_in("bank.example.com", &name), None);
        assert_eq!(keys(2).person_in("shop.example.com", &name), None);
        let longer = format!("{name}AA");
        for other in ["", "alice", &name[..42], &longer, &user.to_string()] {
            assert_eq!(keys(1).person(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_name_leads_back(octets in any::<[u8; 16]>(), sector in "[a-z.]{1,40}") {
            let user = UserId::from_bytes(octets);
            let name = keys(1).subject(&sector, user);
            prop_assert_eq!(keys(1).person_in(&sector, &name), Some(user));
        }

        #[test]
        fn a_changed_name_is_nobodys(place in 0_usize..43, by in 1_u8..64) {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let mut name = keys(1).subject("shop.example.com", UserId::NIL).into_bytes();
            let was = alphabet.iter().position(|it| *it == name[place]).unwrap();
            name[place] = alphabet[(was + usize::from(by)) % 64];
            let name = String::from_utf8(name).unwrap();
            prop_assert_eq!(keys(1).person_in("shop.example.com", &name), None);
        }
    }
}
