use super::*;

fn record(arrived: i64) -> Record {
    Record { sequence: arrived.to_string(), arrived, data: Vec::new() }
}

fn names(count: usize) -> Vec<Arc<str>> {
    (0..count).map(|number| Arc::from(format!("shard-{number}"))).collect()
}

/// What can be let out, in short.
fn drain(alignment: &mut Alignment) -> Vec<String> {
    let text = |next| match next {
        Next::Record(shard, record) => format!("{}:{}", shard.trim_start_matches("shard-"), record.sequence),
        Next::Tick(time) => format!("tick {time}"),
        Next::End(shard) => format!("end {}", shard.trim_start_matches("shard-")),
    };
    std::iter::from_fn(|| alignment.next_item().map(text)).collect()
}

#[test]
fn a_record_waits_until_no_other_shard_can_hold_an_earlier_one() {
    let shards = names(2);
    let mut alignment = Alignment::new(None);
    shards.iter().for_each(|shard| alignment.add(shard, 0));
    alignment.push(&shards[0], [record(5), record(7)], 7, false);
    assert_eq!(drain(&mut alignment), [""; 0]);
    alignment.push(&shards[1], [], 6, false);
    assert_eq!(drain(&mut alignment), ["0:5"]);
    alignment.push(&shards[1], [record(6)], 6, false);
    assert_eq!(drain(&mut alignment), ["1:6"]);
    // One that arrived in the same millisecond may still come.
    alignment.push(&shards[1], [], 7, false);
    assert_eq!(drain(&mut alignment), [""; 0]);
    alignment.push(&shards[1], [], 8, false);
    assert_eq!(drain(&mut alignment), ["0:7"]);
}

#[test]
fn time_is_told_at_every_multiple_after_the_first_record() {
    let shards = names(1);
    let mut alignment = Alignment::new(None);
    alignment.add(&shards[0], 0);
    alignment.push(&shards[0], [], 1_000_000, false);
    assert_eq!(drain(&mut alignment), [""; 0], "nothing to be silent yet");
    alignment.push(&shards[0], [record(1_012_000), record(1_031_000)], 1_031_001, false);
    assert_eq!(drain(&mut alignment), ["0:1012000", "tick 1020000", "tick 1030000", "0:1031000"]);
    alignment.push(&shards[0], [], 1_050_000, false);
    assert_eq!(drain(&mut alignment), ["tick 1040000", "tick 1050000"]);
    assert_eq!(alignment.clock(), Some(1_050_000));
}

#[test]
fn the_order_of_a_shard_stays_although_arrival_times_run_backwards() {
    let shards = names(1);
    let mut alignment = Alignment::new(None);
    alignment.add(&shards[0], 0);
    alignment.push(&shards[0], [record(9), record(3), record(10)], 100, false);
    assert_eq!(drain(&mut alignment), ["0:9", "0:3", "0:10"]);
}

#[test]
fn what_came_too_late_for_its_place_is_let_out_and_counted() {
    let shards = names(2);
    let mut alignment = Alignment::new(Some(20_000));
    shards.iter().for_each(|shard| alignment.add(shard, 20_000));
    alignment.push(&shards[0], [record(19_000)], 21_000, false);
    alignment.push(&shards[1], [], 21_000, false);
    assert_eq!(drain(&mut alignment), ["0:19000"]);
    assert_eq!(alignment.disordered(), 1);
}

#[test]
fn children_follow_their_parent_without_a_gap_in_time() {
    let shards = names(4);
    let mut alignment = Alignment::new(None);
    alignment.add(&shards[0], 0);
    alignment.add(&shards[1], 0);
    alignment.push(&shards[1], [record(50_000)], 90_000, false);
    alignment.push(&shards[0], [record(10_000)], 10_001, false);
    alignment.push(&shards[0], [record(20_000)], 0, true);
    // The closed shard holds time up until its children are there.
    assert_eq!(drain(&mut alignment), ["0:10000", "tick 20000", "0:20000", "end 0"]);
    alignment.add(&shards[2], 0);
    alignment.add(&shards[3], 0);
    alignment.remove(&shards[0]);
    assert_eq!(drain(&mut alignment), [""; 0]);
    alignment.push(&shards[2], [record(30_000)], 60_000, false);
    alignment.push(&shards[3], [], 60_000, false);
    assert_eq!(drain(&mut alignment), ["tick 30000", "2:30000", "tick 40000", "tick 50000", "1:50000", "tick 60000"]);
}

#[test]
fn a_shard_without_records_ends_at_once() {
    let shards = names(1);
    let mut alignment = Alignment::new(None);
    alignment.add(&shards[0], 0);
    alignment.push(&shards[0], [], 0, true);
    assert_eq!(drain(&mut alignment), ["end 0"]);
    alignment.remove(&shards[0]);
    assert!(alignment.is_over());
    assert_eq!(drain(&mut alignment), [""; 0]);
}

/// However the shards are read, and wherever reading is broken off and taken up again, the sequence is the same.
#[test]
fn the_order_does_not_depend_on_what_is_read_first() {
    // A linear congruential generator (Knuth, MMIX), of which the upper bits are good enough.
    let mut state = 1u64;
    let mut below = move |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % bound) as usize
    };
    for _ in 0..200 {
        let shards = names(1 + below(5));
        let mut streams: Vec<Vec<Record>> = Vec::new();
        for _ in &shards {
            let mut at = 1_000_000;
            streams.push(
                (0..below(40))
                    .map(|_| {
                        at += [0, 0, 1, 3, 5_000][below(5)];
                        record(at)
                    })
                    .collect(),
            );
        }
        let mut run = |restarts: bool| {
            let mut alignment = Alignment::new(None);
            let mut read = vec![0; shards.len()];
            let mut done = vec![0; shards.len()];
            shards.iter().for_each(|shard| alignment.add(shard, 0));
            let mut out = Vec::new();
            let mut steps = 0;
            loop {
                while let Some(next) = alignment.next_item() {
                    if let Next::Record(shard, _) = &next {
                        let at = shards.iter().position(|name| name == shard).unwrap();
                        done[at] += 1;
                    }
                    out.push(next);
                }
                let is_done = streams.iter().zip(&done).all(|(stream, done)| stream.len() == *done);
                if is_done && alignment.clock().is_none_or(|clock| clock >= 2_000_000) {
                    break out;
                }
                if restarts && below(20) == 0 {
                    // Killed: what was handed in and not let out is read again.
                    alignment = Alignment::new(alignment.clock());
                    for (at, shard) in shards.iter().enumerate() {
                        read[at] = done[at];
                        let arrived = done[at].checked_sub(1).map_or(0, |last| streams[at][last].arrived);
                        alignment.add(shard, arrived);
                    }
                }
                let at = below(shards.len() as u64);
                let until = (read[at] + below(6)).min(streams[at].len());
                let chunk = streams[at][read[at]..until].to_vec();
                let known = if until == streams[at].len() { 2_000_000 } else { 0 };
                read[at] = until;
                alignment.push(&shards[at], chunk, known, false);
                steps += 1;
                assert!(steps < 100_000, "it does not go on");
            }
        };
        let undisturbed = run(false);
        assert_eq!(run(false), undisturbed);
        assert_eq!(run(true), undisturbed);
    }
}
