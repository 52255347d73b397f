//! How many connections there may be: in all, and from one address, so that nobody takes the
//! whole room (T-71).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The room of a server.
pub struct Room {
    all: Arc<Semaphore>,
    from: Arc<Mutex<HashMap<IpAddr, usize>>>,
    per_address: usize,
}

/// A place for one connection, free again when this is dropped.
pub struct Place {
    _place: OwnedSemaphorePermit,
    _from: Option<Counted>,
}

struct Counted {
    address: IpAddr,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Room {
    /// Room for so many connections in all, and so many from one address.
    pub fn new(all: usize, per_address: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), from: Arc::default(), per_address }
    }

    /// Waits until there is a place for one more; who it is for is not known yet.
    pub async fn vacancy(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// Gives the vacant place to a connection from `address`. `None`: it has too many already. A
    /// proxy brings the connections of many and may have any number.
    pub fn enter(
        &self,
        vacant: OwnedSemaphorePermit,
        address: IpAddr,
        is_proxy: bool,
    ) -> Option<Place> {
        if is_proxy {
            return Some(Place { _place: vacant, _from: None });
        }
        let mut counts = self.from.lock();
        let count = counts.entry(address).or_default();
        if *count >= self.per_address {
            return None;
        }
        *count += 1;
        let from = Counted { address, counts: Arc::clone(&self.from) };
        Some(Place { _place: vacant, _from: Some(from) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.counts.lock().entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_has_so_many_places_and_gets_them_back() {
        let room = Room::new(4, 2);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first = room.enter(room.vacancy().await.unwrap(), one, false).unwrap();
        let _second = room.enter(room.vacancy().await.unwrap(), one, false).unwrap();
        assert!(room.enter(room.vacancy().await.unwrap(), one, false).is_none());
        let _proxy = room.enter(room.vacancy().await.unwrap(), one, true).unwrap();
        drop(first);
        let _third = room.enter(room.vacancy().await.unwrap(), one, false).unwrap();
        let last = room.enter(room.vacancy().await.unwrap(), other, false).unwrap();
        assert_eq!(room.all.available_permits(), 0, "the room is full");
        drop(last);
        assert_eq!(room.all.available_permits(), 1);
        assert!(!room.from.lock().contains_key(&other), "nothing is left behind");
    }
}
