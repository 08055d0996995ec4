use object_store::memory::InMemory;

use super::*;
use crate::state::{Position, Shard};

fn state(sequence: &str) -> State {
    let shard = Shard::up_to(Position { sequence: sequence.into(), sub_sequence: None });
    State {
        shards: [("shardId-000000000000".to_owned(), shard)].into(),
        clock: None,
        snapshot: sequence.into(),
        ..State::default()
    }
}

/// Stores on a fresh directory, and on the model of an object store that its crate offers.
fn stores(name: &str) -> [Store; 2] {
    let directory = std::env::temp_dir().join(format!("flowscore-state-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    let local = Store::open(&directory.to_string_lossy(), "flowscore", "flows").unwrap();
    let memory = Store {
        store: Arc::new(InMemory::new()),
        directory: None,
        url: "memory://".into(),
        application: "flowscore".into(),
        stream: "flows".into(),
    };
    [local, memory]
}

#[tokio::test]
async fn what_was_saved_last_is_loaded() {
    for store in stores("last") {
        let mut part = store.part("all").unwrap();
        assert_eq!(part.load().await.unwrap(), None);
        for sequence in ["1", "2", "3"] {
            part.save(&state(sequence)).await.unwrap();
        }
        drop(part);
        let mut part = store.part("all").unwrap();
        assert_eq!(part.load().await.unwrap(), Some(state("3")));
        assert_eq!(part.version(), 3);
        part.save(&state("4")).await.unwrap();
        assert_eq!(store.peek("all").await.unwrap(), Some(state("4")));
    }
}

#[tokio::test]
async fn parts_streams_and_applications_are_kept_apart() {
    for store in stores("apart") {
        let other_stream = Store { stream: "other".into(), ..store.clone() };
        let other_application = Store { application: "staging/eu ü".into(), ..store.clone() };
        for (number, (store, part)) in
            [(&store, "a"), (&store, "b"), (&other_stream, "a"), (&other_application, "a")].into_iter().enumerate()
        {
            store.part(part).unwrap().save(&state(&number.to_string())).await.unwrap();
        }
        assert_eq!(store.peek("a").await.unwrap(), Some(state("0")));
        assert_eq!(store.peek("b").await.unwrap(), Some(state("1")));
        assert_eq!(other_stream.peek("a").await.unwrap(), Some(state("2")));
        assert_eq!(other_application.peek("a").await.unwrap(), Some(state("3")));
    }
}

#[tokio::test]
async fn a_second_writer_is_noticed_in_an_object_store_when_it_saves() {
    let [_, store] = stores("second");
    let (mut first, mut second) = (store.part("all").unwrap(), store.part("all").unwrap());
    assert_eq!(first.load().await.unwrap(), None);
    assert_eq!(second.load().await.unwrap(), None);
    first.save(&state("1")).await.unwrap();
    let refused = second.save(&state("2")).await.unwrap_err();
    assert!(matches!(refused, StateError::Taken { .. }), "{refused}");
    // The first one goes on, until someone else has taken over on purpose.
    first.save(&state("3")).await.unwrap();
    second.load().await.unwrap();
    second.save(&state("4")).await.unwrap();
    let refused = first.save(&state("5")).await.unwrap_err().to_string();
    assert!(refused.contains("version 3 of it was stored") && refused.contains("version 2 was to be"), "{refused}");
    assert_eq!(store.peek("all").await.unwrap(), Some(state("4")));
}

#[tokio::test]
async fn a_second_writer_is_noticed_in_a_directory_at_once() {
    let [store, _] = stores("lock");
    let first = store.part("all").unwrap();
    let refused = store.part("all").unwrap_err();
    assert!(matches!(refused, StateError::Taken { .. }), "{refused}");
    assert!(store.part("another").is_ok());
    drop(first);
    assert!(store.part("all").is_ok());
}

#[tokio::test]
async fn what_is_leased_is_written_by_who_wrote_last_in_a_directory_as_in_an_object_store() {
    for store in stores("leased") {
        let (mut first, mut second) = (store.leased_part("a"), store.leased_part("a"));
        assert_eq!(first.load().await.unwrap(), None);
        assert!(first.is_current().await.unwrap());
        first.save(&state("1")).await.unwrap();
        assert_eq!(second.load().await.unwrap(), Some(state("1")));
        assert!(first.is_current().await.unwrap() && second.is_current().await.unwrap());
        // The lease is the second one's, which says so by writing what it found.
        second.save(&state("1")).await.unwrap();
        assert!(!first.is_current().await.unwrap());
        let refused = first.save(&state("2")).await.unwrap_err();
        assert!(matches!(refused, StateError::Taken { .. }), "{refused}");
        second.save(&state("3")).await.unwrap();
        assert!(second.is_current().await.unwrap());
        assert_eq!(store.peek("a").await.unwrap(), Some(state("3")));
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_known_as_our_own() {
    let [_, store] = stores("lost");
    let mut part = store.part("all").unwrap();
    part.save(&state("1")).await.unwrap();
    // The write takes place, and the process learns nothing of it.
    let (replaces, label) = (part.replaces.clone(), part.label.clone());
    part.save(&state("2")).await.unwrap();
    (part.replaces, part.label) = (replaces, label);
    part.save(&state("2")).await.unwrap();
    part.save(&state("3")).await.unwrap();
    assert_eq!(part.version(), 3);
}

#[tokio::test]
async fn an_object_of_someone_else_is_refused_and_left_alone() {
    for store in stores("foreign") {
        let path = store.path("all");
        store.store.put(&path, PutPayload::from_static(b"%PDF-1.7")).await.unwrap();
        let error = store.part("all").unwrap().load().await.unwrap_err().to_string();
        assert!(error.contains("flowscore/flows/all.state") && error.contains("another program"), "{error}");
        assert!(error.contains("move it away"), "{error}");
    }
}

#[test]
fn a_url_that_names_no_store_is_a_precise_error() {
    for (url, named) in [
        ("ftp://host/x", "ftp://host/x"),
        ("/proc/version/x", "cannot make the directory"),
        ("file://host/x", "absolute"),
    ] {
        let error = Store::open(url, "flowscore", "flows").unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("s3://bucket/prefix"), "{error}");
    }
}

#[test]
fn credentials_in_a_url_are_not_told() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for url in ["ftp://user:secret@host/x?sig=secret", "s3://user:sec/ret@host/x", "az://user:secret@/x?secret"] {
        let error = Store::open(url, "flowscore", "flows").unwrap_err().to_string();
        assert!(!error.contains("sec"), "{error}");
    }
    let store = Store::open("s3://user:secret@bucket/in?sig=secret", "flowscore", "flows").unwrap();
    assert_eq!(store.object(&store.path("all")), "s3://bucket/in/flowscore/flows/all.state");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_a_state_and_its_directory() {
    use std::os::unix::fs::PermissionsExt;
    let [store, _] = stores("private");
    let mut part = store.part("all").unwrap();
    let directory = store.directory.clone().unwrap();
    for version in ["1", "2"] {
        part.save(&state(version)).await.unwrap();
        let mode = |path: &str| std::fs::metadata(directory.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(["", "flowscore", "flowscore/flows"].map(mode), [0o700; 3]);
        assert_eq!(["flowscore/flows/all.state", "flowscore/flows/all.lock"].map(mode), [0o600; 2]);
    }
}

#[tokio::test]
async fn what_a_killed_writer_left_behind_is_removed_and_nothing_else() {
    let [store, _] = stores("unfinished");
    store.part("all").unwrap().save(&state("1")).await.unwrap();
    let directory = store.directory.clone().unwrap().join("flowscore/flows");
    for name in ["all.state#1", "all.state#27", "all.state#", "all.state#old", "all2.state#1", "other.state#1"] {
        std::fs::write(directory.join(name), "torn").unwrap();
    }
    let mut part = store.part("all").unwrap();
    let mut names: Vec<_> = directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let kept = ["all.lock", "all.state", "all.state#", "all.state#old", "all2.state#1", "other.state#1"];
    assert_eq!(names, kept);
    assert_eq!(part.load().await.unwrap(), Some(state("1")));
}
