//! The disk that fails on demand (`faultfs.c`), as a test holds it: dials to turn while the program runs, and the power cut
//! that takes what was not synced.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// The order is that of `struct dials`.
#[derive(Clone, Copy)]
pub enum Dial {
    SyncMode,
    /// Each fsync takes so many milliseconds.
    SyncMillis,
    /// Writes until the disk is full; [`ENDLESS`]: it never is.
    Room,
    /// The n-th write or sync from now fails once with an I/O error.
    FailIn,
    /// File syncs that came back with success.
    Syncs,
    /// Calls that failed on purpose.
    Refused,
    /// Syncs that are under way.
    Syncing,
}

pub const ENDLESS: u32 = u32::MAX;
const DIALS: u64 = 4_096;
const ENDINGS: [&str; 3] = ["", "-wal", "-journal"];

/// What an fsync does.
#[derive(Clone, Copy)]
pub enum Sync {
    Honest,
    /// Says that all is well and does nothing.
    Ignored,
    Fails,
    /// Does not come back until the mode changes.
    Held,
}

/// What a power cut leaves of the changes that were not synced.
#[derive(Clone, Copy)]
pub enum Cut {
    Nothing,
    /// Any of them, sector by sector.
    Some {
        seed: u64,
    },
}

pub struct Disk {
    state: tempfile::TempDir,
    database: PathBuf,
    dials: File,
}

impl Disk {
    /// For a program whose store is `midwatch.db` in this folder.
    pub fn new(folder: &Path) -> Self {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("dials");
        let dials = OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
        dials.set_len(DIALS).unwrap();
        let disk = Self { state, database: folder.canonicalize().unwrap().join("midwatch.db"), dials };
        disk.set(Dial::Room, ENDLESS);
        disk
    }

    pub fn under(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library())
            .env("FAULTFS_FILE", &self.database)
            .env("FAULTFS_STATE", self.state.path());
    }

    pub fn set(&self, dial: Dial, value: u32) {
        self.dials.write_all_at(&value.to_ne_bytes(), dial as u64 * 4).unwrap();
    }

    pub fn sync(&self, mode: Sync) {
        self.set(Dial::SyncMode, mode as u32);
    }

    pub fn get(&self, dial: Dial) -> u32 {
        let mut value = [0; 4];
        self.dials.read_exact_at(&mut value, dial as u64 * 4).unwrap();
        u32::from_ne_bytes(value)
    }

    /// Waits for the next moment in which a sync is under way.
    pub async fn syncing(&self) {
        while self.get(Dial::Syncing) == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The power goes; the program must be dead. Gives the number of unsynced changes that there were.
    pub fn cut(&self, cut: Cut) -> usize {
        let mut random = Random(match cut {
            Cut::Nothing => 0,
            Cut::Some { seed } => seed | 1,
        });
        let keep: &mut dyn FnMut() -> bool = match cut {
            Cut::Nothing => &mut || false,
            Cut::Some { .. } => &mut || random.next().is_multiple_of(2),
        };
        ENDINGS.iter().map(|ending| self.cut_file(ending, keep)).sum()
    }

    fn cut_file(&self, ending: &str, keep: &mut dyn FnMut() -> bool) -> usize {
        let named = |name: &str| self.state.path().join(format!("{name}{ending}"));
        let mut path = self.database.clone().into_os_string();
        path.push(ending);
        let text = std::fs::read(named("changes")).unwrap_or_default();
        let changes = changes(&text);
        let _ = std::fs::remove_file(named("changes"));
        let nameless = std::fs::remove_file(named("created")).is_ok();
        if nameless && !keep() {
            let _ = std::fs::remove_file(&path);
            return changes.len();
        }
        if let Ok(file) = OpenOptions::new().read(true).write(true).open(&path) {
            changes.iter().rev().for_each(|change| change.undo(&file));
            changes.iter().for_each(|change| change.redo(&file, keep));
        }
        changes.len()
    }
}

/// A write at `at`, or, when nothing is `done`, a truncation to `at`.
struct Change<'a> {
    at: u64,
    size: u64,
    undone: &'a [u8],
    done: &'a [u8],
}

impl Change<'_> {
    fn undo(&self, file: &File) {
        file.write_all_at(self.undone, self.at).unwrap();
        file.set_len(self.size).unwrap();
    }

    fn redo(&self, file: &File, keep: &mut dyn FnMut() -> bool) {
        const SECTOR: usize = 512;
        if self.done.is_empty() && keep() {
            file.set_len(self.at).unwrap();
        }
        let mut at = self.at;
        let mut rest = self.done;
        while !rest.is_empty() {
            let to_edge = SECTOR - usize::try_from(at).unwrap() % SECTOR;
            let (sector, after) = rest.split_at(to_edge.min(rest.len()));
            if keep() {
                file.write_all_at(sector, at).unwrap();
            }
            at += sector.len() as u64;
            rest = after;
        }
    }
}

/// The record's changes in order; a last one that was cut off itself had not begun.
fn changes(mut text: &[u8]) -> Vec<Change<'_>> {
    let mut changes = Vec::new();
    while let Some((head, rest)) = text.split_at_checked(32) {
        let word = |n: usize| u64::from_ne_bytes(head[n * 8..n * 8 + 8].try_into().unwrap());
        let Some((undone, rest)) = rest.split_at_checked(usize::try_from(word(2)).unwrap()) else { break };
        let Some((done, rest)) = rest.split_at_checked(usize::try_from(word(3)).unwrap()) else { break };
        changes.push(Change { at: word(0), size: word(1), undone, done });
        text = rest;
    }
    changes
}

/// Numbers that differ and repeat: a test names its seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// Compiles the shim, once for each run of the tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/faultfs.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (library, fresh) = (folder.join("faultfs.so"), folder.join(format!("faultfs-{}.so", std::process::id())));
        let flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"];
        let out = Command::new("cc").args(flags).args([&fresh, &source]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        std::fs::rename(fresh, &library).unwrap();
        library
    })
}
