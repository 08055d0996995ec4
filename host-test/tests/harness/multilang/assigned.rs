//! Leases as version 3 of the library has them: a leader assigns them by load.

use std::time::Duration;

use super::fleet::{Fleet, Leases, Worker};
use super::put;

/// Two workers with a shard each, the first of which is the leader.
fn two_workers(fleet: &Fleet) -> [Worker; 2] {
    let mut first = fleet.worker("first", "");
    first.wait_until(|| fleet.count_of("first") == 2);
    let mut second = fleet.worker("second", "");
    second.wait_until(|| fleet.count_of("first") == 1 && fleet.count_of("second") == 1);
    [first, second]
}

#[test]
fn a_frozen_worker_and_a_leader_that_stops_are_followed_and_what_comes_back_changes_nothing() {
    let Some(fleet) = Fleet::new("multilang-assigned", 2, Leases::Assigned) else { return };
    let all = super::payloads(&fleet.directory, 12 * 3600);
    let shards = fleet.stream.shards();
    let quarter = all.len() / 4;
    put(&fleet.stream, &all[..quarter]);
    let [mut first, mut second] = two_workers(&fleet);

    second.freeze();
    put(&fleet.stream, &all[quarter..2 * quarter]);
    first.wait_until(|| fleet.count_of("first") == 2 && fleet.is_read(&shards));
    second.go_on();
    put(&fleet.stream, &all[2 * quarter..3 * quarter]);
    first.wait_until(|| fleet.count_of("second") > 0 && fleet.is_read(&shards));

    // It lets go of what it holds; the next leader is there when it has asked again, which it does every half a minute.
    first.stop();
    put(&fleet.stream, &all[3 * quarter..]);
    second.wait_until_within(Duration::from_secs(90), || fleet.is_read(&shards));
    second.stop();

    fleet.assert_undisturbed([&first, &second]);
}

#[test]
fn a_leader_that_is_killed_is_followed_after_two_minutes() {
    if !super::is_long_wanted() {
        return;
    }
    let Some(fleet) = Fleet::new("multilang-leader", 2, Leases::Assigned) else { return };
    let all = super::payloads(&fleet.directory, 12 * 3600);
    let half = all.len() / 2;
    put(&fleet.stream, &all[..half]);
    let [mut first, mut second] = two_workers(&fleet);
    first.kill();
    put(&fleet.stream, &all[half..]);
    let shards = fleet.stream.shards();
    let waited = second.wait_until_within(Duration::from_secs(240), || fleet.is_read(&shards));
    eprintln!("the dead leader's shard is scored again and read to its end after {waited:?}");
    second.stop();
    fleet.assert_undisturbed([&first, &second]);
}

#[test]
fn four_workers_share_sixteen_shards() {
    if !super::is_long_wanted() {
        return;
    }
    let Some(fleet) = Fleet::new("multilang-sixteen", 16, Leases::Assigned) else { return };
    let all = super::payloads_of(&fleet.directory, 12 * 3600, 64);
    let names = ["first", "second", "third", "fourth"];
    let mut workers = names.map(|name| fleet.worker(name, ""));
    let counts = || names.map(|name| fleet.count_of(name));
    // What is balanced is bytes: while none come, the leader moves nothing.
    let mut rest = &all[..];
    let waited = workers[0].wait_until_within(Duration::from_secs(600), || {
        let (some, after) = rest.split_at(rest.len().min(40));
        put(&fleet.stream, some);
        rest = after;
        let counts = counts();
        counts.iter().sum::<usize>() == 16 && counts.iter().all(|count| (2..=6).contains(count))
    });
    eprintln!("{:?} shards after {waited:?}", counts());
    put(&fleet.stream, rest);
    let shards = fleet.stream.shards();
    workers[0].wait_until(|| fleet.is_read(&shards));
    workers.iter_mut().for_each(Worker::stop);
    fleet.assert_undisturbed(&workers);
}
