//! Cutting the power: at every sync of a script, with any part of what was not synced on the disk. What was
//! acknowledged is there, and what is there is whole.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::disk::{Disk, Event, Image, Replay};
use super::script::{Model, Numbers, Plan};
use crate::base::soak;
use crate::store::{Rows, Settings, Store};

/// Small segments, so that a script goes through several.
pub(super) fn settings() -> Settings {
    Settings { segment_bytes: 128 << 10, cache_bytes: 1 << 20, ..Settings::default() }
}

/// A directory in memory where there is one: what counts as durable is said by the model, not by the machine.
pub(super) fn room() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The disk of a store that was just made: making one is a file written under another name, then renamed.
pub(super) fn new_store(room: &Path) -> Image {
    let (dir, disk) = (tempfile::tempdir_in(room).unwrap(), Disk::default());
    drop(disk.open(dir.path(), &settings()).unwrap());
    let mut replay = Replay::default();
    disk.events().iter().for_each(|event| replay.feed(event));
    replay.all()
}

/// The model after each change, by its number.
type History = BTreeMap<u64, Model>;

/// Runs `count` operations and tells the disk what was acknowledged.
async fn record(store: &Arc<Store>, disk: &Disk, numbers: &mut Numbers, history: &mut History, count: usize) {
    let mut model = history.last_key_value().unwrap().1.clone();
    let mut left = count;
    while left > 0 {
        let batch = left.min(1 + numbers.below(6) as usize);
        left -= batch;
        let mut plans = Vec::new();
        for _ in 0..batch {
            plans.push(model.plan(numbers.op()));
            history.insert(model.change, model.clone());
        }
        let refused: Vec<bool> = plans.iter().map(Plan::refuses).collect();
        let results = futures_util::future::join_all(plans.into_iter().map(|plan| plan.run(store))).await;
        for (result, refused) in results.into_iter().zip(refused) {
            assert_eq!(result.is_err(), refused, "{result:?}");
        }
        disk.acknowledge(model.change);
    }
}

/// Opens what a cut left, and looks whether all that was acknowledged is in it; gives the store and its change.
pub(super) fn examine(image: &Image, dir: &Path, files: &Path, acknowledged: u64, history: &History) -> (Disk, u64) {
    image.put(dir, files);
    let disk = Disk::new(image.rows.clone(), None);
    let store = disk.open(dir, &settings()).unwrap();
    let change = store.read().unwrap().last_change().unwrap();
    assert!(change >= acknowledged, "{change} is there, {acknowledged} was acknowledged");
    history.get(&change).unwrap_or_else(|| panic!("no history of {change}")).compare(&store);
    drop(store);
    (disk, change)
}

/// Cuts a run at each of its syncs, `times` times, and examines what is left. With `deeper`, now and then the
/// power is cut again while the store comes back and is written to.
async fn cut_everywhere(run: &Run<'_>, numbers: &mut Numbers, times: u64, deeper: bool) -> u64 {
    let mut replay = Replay::new(&run.start);
    let (mut acknowledged, mut cuts) = (run.acknowledged, 0);
    for event in &run.events {
        if let Event::Sync | Event::SyncSegment(_) = event {
            for _ in 0..times {
                let image = replay.cut(numbers);
                let dir = tempfile::tempdir_in(run.room).unwrap();
                let (_, change) = examine(&image, dir.path(), run.files, acknowledged, run.history);
                cuts += 1;
                if deeper && numbers.below(12) == 0 {
                    cuts += again(run, image, change, numbers).await;
                }
            }
        }
        if let Event::Acknowledged(change) = event {
            acknowledged = *change;
        }
        replay.feed(event);
    }
    cuts
}

/// One run of a store: what was on its disk, what happened there, what was to come of it.
struct Run<'r> {
    room: &'r Path,
    files: &'r Path,
    start: Image,
    events: Vec<Event>,
    acknowledged: u64,
    history: &'r History,
}

/// Opens what a cut left, writes to it, and cuts that.
async fn again(run: &Run<'_>, start: Image, change: u64, numbers: &mut Numbers) -> u64 {
    let dir = tempfile::tempdir_in(run.room).unwrap();
    start.put(dir.path(), run.files);
    let disk = Disk::new(start.rows.clone(), None);
    let store = disk.open(dir.path(), &settings()).unwrap();
    let mut history = BTreeMap::from([(change, run.history[&change].clone())]);
    record(&store, &disk, numbers, &mut history, 6).await;
    drop(store);
    let second =
        Run { room: run.room, files: run.files, start, events: disk.events(), acknowledged: change, history: &history };
    Box::pin(cut_everywhere(&second, numbers, 1, false)).await
}

#[tokio::test]
async fn a_power_cut_at_any_sync_loses_nothing_acknowledged() {
    let started = std::time::Instant::now();
    for seed in 0..u64::from(soak::times()) {
        let room = room();
        let home = room.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let (start, mut numbers) = (new_store(room.path()), Numbers(seed));
        let disk = Disk::new(start.rows.clone(), None);
        let store = disk.open(&home, &settings()).unwrap();
        let mut history = BTreeMap::from([(0, Model::default())]);
        record(&store, &disk, &mut numbers, &mut history, 200).await;
        drop(store);
        let events = disk.events();
        let files = home.join("blobs/files");
        let run = Run { room: room.path(), files: &files, start, events, acknowledged: 0, history: &history };
        let cuts = cut_everywhere(&run, &mut numbers, 1, true).await;
        assert!(cuts > 150, "{cuts}");
        println!("seed {seed}: {cuts} cuts, {:?}", started.elapsed());
    }
}
