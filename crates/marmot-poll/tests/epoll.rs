//! What is Linux's own: the descriptors of a poller, its errors, signals and duplicates.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::thread::JoinHandleExt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use marmot_poll::{Events, Key, Poller};

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_poller_owns_an_epoll_and_an_eventfd() {
    let poller = Poller::init().expect("a poller can be made");
    let own: Vec<i32> = (0..1 << 16).filter(|&number| poller.is_poll_descriptor(number)).collect();
    let mut kinds: Vec<String> = own
        .iter()
        .map(|number| fs::read_link(format!("/proc/self/fd/{number}")).expect("it is open"))
        .map(|kind| kind.display().to_string())
        .collect();
    kinds.sort();
    assert_eq!(kinds, ["anon_inode:[eventfd]", "anon_inode:[eventpoll]"]);
}

#[test]
fn a_regular_file_is_refused_with_advice() {
    let poller = Poller::init().expect("a poller can be made");
    let program = std::env::current_exe().and_then(File::open).expect("the test can read itself");
    let refused = poller.open(program.as_fd(), Key::new(1)).expect_err("it cannot be waited for");
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert!(refused.to_string().contains("regular files"), "{refused}");
}

#[test]
fn a_broken_pipe_concerns_both_directions() {
    let poller = Poller::init().expect("a poller can be made");
    let mut events = Events::with_capacity(8);
    let (reader, writer) = io::pipe().expect("there are descriptors left");
    poller.open(writer.as_fd(), Key::new(1)).expect("a pipe can be polled");
    poller.poll(&mut events, Some(Duration::ZERO)).expect("a poll does not fail");
    drop(reader);
    poller.poll(&mut events, Some(PATIENCE)).expect("a poll does not fail");
    let event = events.iter().next().expect("the pipe has broken");
    assert!(event.readable && event.writable && event.hangup, "{event:?}");

    let (reader, writer) = io::pipe().expect("there are descriptors left");
    poller.open(reader.as_fd(), Key::new(2)).expect("a pipe can be polled");
    drop(writer);
    poller.poll(&mut events, Some(PATIENCE)).expect("a poll does not fail");
    let event = events.iter().next().expect("the pipe has ended");
    assert!(event.readable && event.writable && event.hangup, "{event:?}");
}

#[test]
fn a_signal_ends_a_poll() {
    extern "C" fn nothing(_: i32) {}
    // SAFETY: the structure is plain data for which zero is valid, the handler does nothing, and no other test of
    // this program uses the signal. Without `SA_RESTART`, although no flag would make the kernel resume this call.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()), 0);
    }
    let (done, ended) = mpsc::channel();
    let polling = thread::spawn(move || {
        let poller = Poller::init().expect("a poller can be made");
        done.send(poller.poll(&mut Events::with_capacity(1), None)).expect("the test listens");
        // Alive until the last signal has been sent.
        thread::park();
    });
    let start = Instant::now();
    // A signal that comes before the poll has begun ends nothing, so it is sent until one does.
    let count = loop {
        // SAFETY: the thread has not been joined, so its handle is valid.
        assert_eq!(unsafe { libc::pthread_kill(polling.as_pthread_t(), libc::SIGUSR1) }, 0);
        match ended.recv_timeout(Duration::from_millis(1)) {
            Ok(count) => break count,
            Err(RecvTimeoutError::Timeout) => assert!(start.elapsed() < PATIENCE, "no signal ends the poll"),
            Err(RecvTimeoutError::Disconnected) => panic!("the polling thread has died"),
        }
    };
    assert_eq!(count.expect("a signal is no error"), 0);
    polling.thread().unpark();
    polling.join().expect("it has ended");
}

#[test]
fn a_duplicate_keeps_a_closed_descriptor_registered() {
    let poller = Poller::init().expect("a poller can be made");
    let mut events = Events::with_capacity(8);
    let (here, mut there) = UnixStream::pair().expect("there are descriptors left");
    let duplicate = here.try_clone().expect("there are descriptors left");
    poller.open(here.as_fd(), Key::new(1)).expect("a stream can be polled");
    poller.poll(&mut events, Some(Duration::ZERO)).expect("a poll does not fail");

    // The trap that `Contract::close` warns of.
    drop(here);
    there.write_all(b"news").expect("there is room");
    assert_eq!(poller.poll(&mut events, Some(PATIENCE)).expect("a poll does not fail"), 1);
    let not_open = poller.close(duplicate.as_fd()).expect_err("the registration is under the other number");
    assert_eq!(not_open.kind(), ErrorKind::NotFound);
    drop(duplicate);

    // The way around it.
    let (here, mut there) = UnixStream::pair().expect("there are descriptors left");
    let duplicate = here.try_clone().expect("there are descriptors left");
    poller.open(here.as_fd(), Key::new(2)).expect("a stream can be polled");
    poller.close(here.as_fd()).expect("it is open");
    drop(here);
    there.write_all(b"news").expect("there is room");
    assert_eq!(poller.poll(&mut events, Some(Duration::ZERO)).expect("a poll does not fail"), 0);
    drop(duplicate);
}

#[test]
fn a_dropped_poller_leaves_its_descriptors_open() {
    let (here, mut there) = UnixStream::pair().expect("there are descriptors left");
    let poller = Poller::init().expect("a poller can be made");
    poller.open(here.as_fd(), Key::new(1)).expect("a stream can be polled");
    drop(poller);
    there.write_all(b"news").expect("there is room");
    let poller = Poller::init().expect("a poller can be made");
    poller.open(here.as_fd(), Key::new(2)).expect("a stream can be polled");
    let mut events = Events::with_capacity(8);
    poller.poll(&mut events, Some(PATIENCE)).expect("a poll does not fail");
    let event = events.iter().next().expect("bytes have come");
    assert!(event.readable && event.key == Key::new(2), "{event:?}");
}
