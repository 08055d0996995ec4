//! Amazon's own MultiLangDaemon: two workers on one stream, of which one is killed.

use super::fleet::{Fleet, Leases};
use super::put;

#[test]
fn a_worker_that_is_killed_is_followed_by_another_one_that_goes_on_with_its_state() {
    let Some(fleet) = Fleet::new("multilang-daemon", 2, Leases::Taken) else { return };
    let all = super::payloads(&fleet.directory, 12 * 3600);
    let shards = fleet.stream.shards();

    let third = all.len() / 3;
    put(&fleet.stream, &all[..third]);
    let mut first = fleet.worker("first", "");
    for shard in &shards {
        first.wait_until(|| fleet.read_to(shard).is_some());
    }
    let mut second = fleet.worker("second", "");
    put(&fleet.stream, &all[third..2 * third]);
    // It is killed with records read and not yet saved, as far as that can be had.
    let position = fleet.read_to(&shards[0]);
    first.wait_until(|| fleet.read_to(&shards[0]) != position);
    first.kill();
    put(&fleet.stream, &all[2 * third..]);
    second.wait_until(|| fleet.is_read(&shards));
    second.stop();

    assert!(!second.events().is_empty());
    fleet.assert_undisturbed([&first, &second]);
}
