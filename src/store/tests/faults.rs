//! A disk that fails: at the first call, at the second, and so on until a script passes. What was not
//! acknowledged was answered with an error, what was is there, and the store says that it has failed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::disk::{Disk, Fault, Image, Replay};
use super::power::{examine, new_store, room, settings};
use super::script::{Model, Numbers, Plan};
use crate::store::{Error, Store};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// How a script ended.
struct Ended {
    acknowledged: u64,
    history: BTreeMap<u64, Model>,
    failed: bool,
}

/// Runs a few batches, up to the first whose writes are not answered as they should be.
async fn run(store: &Arc<Store>, seed: u64, batches: usize) -> Ended {
    let (mut numbers, mut model) = (Numbers(seed), Model::default());
    let mut ended = Ended { acknowledged: 0, history: BTreeMap::from([(0, Model::default())]), failed: false };
    for _ in 0..batches {
        let mut plans: Vec<(Plan, u64)> = Vec::new();
        for _ in 0..1 + numbers.below(5) {
            let plan = model.plan(numbers.op());
            ended.history.insert(model.change, model.clone());
            plans.push((plan, model.change));
        }
        let plans =
            plans.into_iter().map(|(plan, change)| async move { (plan.refuses(), change, plan.run(store).await) });
        for (refused, change, result) in futures_util::future::join_all(plans).await {
            match result {
                Ok(()) => {
                    assert!(!ended.failed && !refused, "acknowledged after a failure");
                    ended.acknowledged = change;
                }
                Err(Error::Damaged(words)) if words == "refused" => assert!(refused && !ended.failed),
                Err(error) => {
                    assert!(store.failed().borrow().is_some(), "answered {error:?} before it was told");
                    ended.failed = true;
                }
            }
        }
        if ended.failed {
            break;
        }
    }
    ended
}

/// What a store that has failed owes to those who hold it.
async fn says_so(store: &Store) {
    assert!(store.failed().borrow().is_some(), "nobody was told");
    for _ in 0..3 {
        let late = store.write::<(), Error, _>(|writer| writer.set("late", &1));
        let answer = tokio::time::timeout(Duration::from_secs(1), late).await;
        assert!(answer.expect("a late write waits").is_err());
    }
}

/// One try with one fault; gives whether the fault was met.
async fn try_with(fault: Fault, batches: usize, room: &Path) -> bool {
    let (home, start) = (tempfile::tempdir_in(room).unwrap(), new_store(room));
    let disk = Disk::new(start.rows.clone(), Some(fault));
    let mut ended = Ended { acknowledged: 0, history: BTreeMap::from([(0, Model::default())]), failed: false };
    match disk.open(home.path(), &settings()) {
        Ok(store) => {
            ended = run(&store, 7, batches).await;
            if ended.failed {
                says_so(&store).await;
            }
            assert!(disk.has_failed() || !ended.failed);
        }
        Err(error) => assert!(disk.has_failed(), "{error}"),
    }
    let mut replay = Replay::new(&start);
    disk.events().iter().for_each(|event| replay.feed(event));
    let mut numbers = Numbers(fault.at);
    let mut images: Vec<Image> = vec![replay.all()];
    images.extend((0..2).map(|_| replay.cut(&mut numbers)));
    for image in images {
        let dir = tempfile::tempdir_in(room).unwrap();
        examine(&image, dir.path(), &home.path().join("blobs/files"), ended.acknowledged, &ended.history);
    }
    disk.has_failed()
}

#[tokio::test]
async fn no_call_to_the_disk_may_fail_unnoticed() {
    let started = std::time::Instant::now();
    let room = room();
    let (batches, mut at) = (6 + 6 * (crate::base::soak::times() as usize - 1).min(10), 1);
    loop {
        let lasting = at % 3 == 0;
        if !try_with(Fault { at, errno: if at % 2 == 0 { EIO } else { ENOSPC }, lasting }, batches, room.path()).await {
            break;
        }
        at += 1;
    }
    assert!(at > 100, "{at}");
    println!("{at} calls, {:?}", started.elapsed());
}
