//! Bytes that are made in parallel and written in order. Owns the window between making and writing; knows nothing
//! of what is written.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use crate::world::World;

/// Shares in the making, or made and not written yet, for each thread: enough that none waits for the writer.
const AHEAD: usize = 3;

/// Makes the bytes of each share on the workers of the expansion, and writes them here, in the order of the shares.
/// The first failure ends it.
pub(super) fn in_order<T: Send>(
    world: &World<'_>,
    shares: Vec<T>,
    make: impl Fn(T, &mut Vec<u8>) -> io::Result<()> + Sync,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    // A worker must not wait for the others; and nothing is won over a single share.
    let pool = world.pool.as_ref().filter(|pool| pool.current_thread_index().is_none() && shares.len() > 1);
    let Some(pool) = pool else {
        let mut bytes = Vec::new();
        return shares.into_iter().try_for_each(|share| {
            bytes.clear();
            world.run(|| make(share, &mut bytes))?;
            write(&bytes)
        });
    };
    // Buffers go round: memory that is touched for the first time costs more than what is written into it.
    let spare: Mutex<Vec<Vec<u8>>> = Mutex::default();
    let spares = || spare.lock().unwrap_or_else(PoisonError::into_inner);
    let (make, spares) = (&make, &spares);
    pool.in_place_scope(|scope| {
        let mut shares = shares.into_iter();
        let mut ahead: VecDeque<Receiver<io::Result<Vec<u8>>>> = VecDeque::new();
        loop {
            while ahead.len() < AHEAD * pool.current_num_threads()
                && let Some(share) = shares.next()
            {
                let (send, receive) = sync_channel(1);
                scope.spawn(move |_| {
                    let mut bytes = spares().pop().unwrap_or_default();
                    bytes.clear();
                    let made = make(share, &mut bytes).map(|()| bytes);
                    // After a failure nobody waits for the rest.
                    let _ = send.send(made);
                });
                ahead.push_back(receive);
            }
            let Some(next) = ahead.pop_front() else { return Ok(()) };
            // A worker that ended without an answer has panicked, and the scope says so.
            let Ok(made) = next.recv() else { return Ok(()) };
            let bytes = made?;
            write(&bytes)?;
            spares().push(bytes);
        }
    })
}
