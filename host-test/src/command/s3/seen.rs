//! Which objects were read.

use std::collections::BTreeMap;

use host_test::batch::digest;
use host_test::source::notification::NewObject;
use host_test::state::{Read, Shard};

/// The objects that were read last, as the state keeps them: by a digest of bucket, key and content.
pub(super) struct Seen {
    objects: BTreeMap<String, Shard>,
    most: usize,
}

impl Seen {
    pub(super) fn new(objects: BTreeMap<String, Shard>, most: usize) -> Self {
        Seen { objects, most }
    }

    /// What an object is called here.
    pub(super) fn name(object: &NewObject) -> String {
        let mut name = digest(format!("{}\0{}\0{}", object.bucket, object.key, object.version).as_bytes());
        name.truncate(32);
        name
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.objects.contains_key(name)
    }

    /// Remembers an object that was read now (milliseconds since the Unix epoch), and forgets the oldest where there are more by a
    /// tenth than there should be.
    pub(super) fn add(&mut self, name: String, now: i64) {
        self.objects.insert(name, Shard { read: Read::All, arrived: now });
        if self.objects.len() > self.most + self.most / 10 {
            let mut times: Vec<i64> = self.objects.values().map(|object| object.arrived).collect();
            times.sort_unstable();
            let oldest = times[times.len() - self.most];
            self.objects.retain(|_, object| object.arrived >= oldest);
        }
    }

    pub(super) fn objects(&self) -> &BTreeMap<String, Shard> {
        &self.objects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let object = |number: i64| NewObject { bucket: "b".into(), key: number.to_string(), version: String::new() };
        let mut seen = Seen::new(BTreeMap::new(), 20);
        for number in 0..100 {
            seen.add(Seen::name(&object(number)), number);
            assert!(seen.objects().len() <= 22);
        }
        assert!((80..100).all(|number| seen.has(&Seen::name(&object(number)))));
        assert!((0..70).all(|number| !seen.has(&Seen::name(&object(number)))));
        let other = NewObject { version: "e".into(), ..object(99) };
        assert!(!seen.has(&Seen::name(&other)), "other content under the same key");
    }
}
