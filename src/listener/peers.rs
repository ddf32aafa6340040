//! How many connections each address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts open connections by address. Only addresses with an open connection are held, so the
/// cap on connections bounds it.
#[derive(Clone)]
pub(super) struct Peers {
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection's place; dropping it frees the place.
pub(super) struct Place {
    peers: Peers,
    address: IpAddr,
}

impl Peers {
    pub(super) fn new(most: usize) -> Self {
        let open = Arc::default();
        Self { most, open }
    }

    /// A place for one more, unless the address has its share.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place {
            peers: self.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self
            .peers
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Peers;

    #[test]
    fn w28_an_address_has_its_share_and_no_more() {
        let peers = Peers::new(2);
        let (one, other) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());

        let held = [peers.take(one), peers.take(one)];
        let third = peers.take(one);
        let elsewhere = peers.take(other);
        drop(held);

        assert!(third.is_none() && elsewhere.is_some());
        assert!(peers.take(one).is_some());
        drop(elsewhere);
        assert!(peers.open.lock().unwrap().is_empty());
    }
}
