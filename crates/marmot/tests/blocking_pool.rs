//! The threads for `blocking`: how many there are, what they do not hold up, and what is said when nothing goes on.

mod common;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use common::{LIMIT, bounded, here, in_child_with, ms, until};
use marmot::context::Context;
use marmot::net::{TcpListener, TcpStream, ToSocketAddrs};
use marmot::{JoinHandle, Runtime};

/// Closures that occupy threads until they are let go.
struct Occupied {
    let_go: mpsc::Sender<()>,
    goroutines: Vec<JoinHandle<()>>,
    /// Where they are called, and where the goroutines are spawned.
    call: String,
    spawn: String,
}

impl Occupied {
    /// Occupies `count` threads of the runtime.
    fn of(rt: &Runtime, count: usize) -> Occupied {
        let (let_go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let (tell, told) = mpsc::channel();
        let (mut call, mut spawn) = (String::new(), String::new());
        let goroutines = (0..count)
            .map(|_| {
                let (wait, tell) = (Arc::clone(&wait), tell.clone());
                let occupy = move || {
                    let line = here();
                    marmot::blocking(move || {
                        tell.send(line).unwrap();
                        // Ends with an error when the sender goes.
                        let _ = wait.lock().map(|wait| wait.recv());
                    });
                };
                spawn = here();
                rt.go(occupy)
            })
            .collect();
        for _ in 0..count {
            call = told.recv_timeout(LIMIT).unwrap();
        }
        let next = |line: &str| {
            let (file, number) = line.rsplit_once(':').unwrap();
            format!("{file}:{}", number.parse::<u32>().unwrap() + 1)
        };
        Occupied { let_go, goroutines, call: next(&call), spawn: next(&spawn) }
    }

    fn end(self) {
        drop(self.let_go);
        self.goroutines.into_iter().for_each(|g| g.join().unwrap());
    }
}

fn runtime(procs: usize, threads: usize) -> Runtime {
    Runtime::builder().procs(procs).max_blocking_threads(threads).build().unwrap()
}

/// Runs `count` closures at the same time, and tells how many of them ran at a time, at most.
fn most_at_a_time(go: impl Fn(Box<dyn FnOnce() + Send>) -> JoinHandle<()>, count: usize) -> usize {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let handles: Vec<_> = (0..count)
        .map(|_| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            go(Box::new(move || {
                marmot::blocking(|| {
                    most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                    marmot::sleep(ms(2));
                    now.fetch_sub(1, SeqCst);
                });
            }))
        })
        .collect();
    handles.into_iter().for_each(|handle| handle.join().unwrap());
    most.load(SeqCst)
}

#[test]
fn a_runtime_has_as_many_threads_as_its_builder_says() {
    bounded(|| {
        for procs in [1, 2, 8] {
            for threads in [1, 3] {
                let rt = runtime(procs, threads);
                let most = most_at_a_time(|f| rt.go(f), 12);
                assert!((1..=threads).contains(&most), "{most} of {threads}");
                rt.shutdown(LIMIT).unwrap();
            }
        }
    });
}

#[test]
fn a_number_out_of_range_is_refused() {
    for threads in [0, usize::MAX] {
        let error = Runtime::builder().procs(1).max_blocking_threads(threads).build().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("1 to 1048576"), "{error}");
    }
}

#[test]
fn runtimes_do_not_hold_each_other_up() {
    bounded(|| {
        let (one, other) = (runtime(1, 1), runtime(1, 1));
        let occupied = Occupied::of(&one, 1);
        assert_eq!(other.run(|| marmot::blocking(|| 7)), 7);
        occupied.end();
    });
}

#[test]
fn the_environment_is_heeded_by_the_default_runtime() {
    let with = |name, value: &str| {
        in_child_with(
            name,
            |command| command.env("MARMOT_MAX_BLOCKING_THREADS", value),
            || assert_eq!(most_at_a_time(|f| marmot::go(f), 12), 1),
        )
    };
    with("the_environment_is_heeded_by_the_default_runtime", "1").assert_success();
}

#[test]
fn a_number_in_the_environment_that_is_none_is_reported() {
    let outcome = in_child_with(
        "a_number_in_the_environment_that_is_none_is_reported",
        |command| command.env("MARMOT_MAX_BLOCKING_THREADS", "many"),
        || assert_eq!(marmot::go(|| marmot::blocking(|| 7)).join().unwrap(), 7),
    );
    outcome.assert_success();
    outcome.assert_says("MARMOT_MAX_BLOCKING_THREADS is 'many', which is not a number from 1 to 1048576; using 512");
}

#[marmot::test(procs = 2, max_blocking_threads = 1)]
fn the_attributes_have_it_too() {
    assert_eq!(most_at_a_time(|f| marmot::go(f), 6), 1);
}

#[test]
fn names_are_found_while_all_threads_are_busy() {
    for procs in [1, 2, 8] {
        bounded(move || {
            let rt = runtime(procs, 1);
            let occupied = Occupied::of(&rt, 1);
            let (listener, addr) = rt.run(|| {
                let listener = TcpListener::bind("localhost:0").unwrap();
                let addr = listener.local_addr().unwrap();
                (listener, addr)
            });
            let lookup = move || {
                let found: Vec<_> = ("localhost", addr.port()).to_socket_addrs().unwrap().collect();
                assert!(found.contains(&addr));
                TcpStream::connect(("localhost", addr.port())).unwrap();
                let (ctx, _cancel) = Context::background().with_timeout(Duration::from_secs(3600));
                ctx.run(|| TcpStream::connect(("localhost", addr.port())).unwrap());
            };
            rt.run(lookup);
            drop(listener);
            occupied.end();
            rt.shutdown(LIMIT).unwrap();
        });
    }
}

/// The child prints where its closures are; the parent waits for the report before it lets them go.
const CHILD: &str = "MARMOT_STALL_CHILD";

fn stall(procs: usize) {
    let rt = runtime(procs, 2);
    let occupied = Occupied::of(&rt, 2);
    println!("\ncall {}\nspawn {}", occupied.call, occupied.spawn);
    io::stdout().flush().unwrap();
    let late = rt.go(|| marmot::blocking(|| 7));
    // Also when nobody runs goroutines any more.
    let (let_go, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let blocked: Vec<_> = (0..procs)
        .map(|_| {
            let wait = Arc::clone(&wait);
            rt.go(move || drop(wait.lock().map(|wait| wait.recv())))
        })
        .collect();
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    drop(let_go);
    blocked.into_iter().for_each(|g| g.join().unwrap());
    occupied.end();
    assert_eq!(late.join().unwrap(), 7);
    // It goes on as before.
    assert_eq!(rt.run(|| marmot::blocking(|| 8)), 8);
    rt.shutdown(LIMIT).unwrap();
}

#[test]
fn a_stall_is_reported_once_with_the_places_that_it_comes_from() {
    const NAME: &str = "a_stall_is_reported_once_with_the_places_that_it_comes_from";
    if let Ok(procs) = std::env::var(CHILD) {
        bounded(move || stall(procs.parse().unwrap()));
        return;
    }
    for procs in ["1", "2", "8"] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
            .env(CHILD, procs)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (tell, lines) = mpsc::channel();
        let reader = thread::spawn(move || stderr.lines().for_each(|line| drop(tell.send(line.unwrap()))));
        let mut report = Vec::new();
        // The advice comes last.
        while !report.last().is_some_and(|line: &String| line.contains("max_blocking_threads")) {
            report.push(lines.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("no report, but {report:?}")));
        }
        // Another period goes by without another report.
        assert_eq!(lines.recv_timeout(ms(1200)), Err(mpsc::RecvTimeoutError::Timeout));
        stdin.write_all(b"\n").unwrap();
        let mut output = String::new();
        stdout.read_to_string(&mut output).unwrap();
        assert!(child.wait().unwrap().success(), "{report:?}");
        reader.join().unwrap();
        let rest: Vec<_> = lines.try_iter().collect();
        assert!(!rest.iter().any(|line| line.contains("stalled")), "{rest:?}");

        let told = |key: &str| {
            let (_, line) = output.split_once(key).unwrap();
            line.lines().next().unwrap().to_owned()
        };
        let text = report.join("\n");
        assert!(
            text.contains(
                "marmot: `blocking` has stalled: 2 of at most 2 threads have been busy for a second, 1 more call waits."
            ),
            "{text}"
        );
        assert!(text.contains(&format!("2 at {}:", told("\ncall "))), "{text}\n{output}");
        assert!(text.contains(&format!("in goroutines spawned at {}:", told("\nspawn "))), "{text}\n{output}");
        assert!(text.contains("MARMOT_MAX_BLOCKING_THREADS"), "{text}");
    }
}

/// Closures that end, however slowly, are no stall.
#[test]
fn a_long_queue_that_goes_on_is_not_reported() {
    let outcome = in_child_with(
        "a_long_queue_that_goes_on_is_not_reported",
        |command| command,
        || {
            let rt = runtime(2, 2);
            let done = Arc::new(AtomicUsize::new(0));
            for _ in 0..120 {
                let done = Arc::clone(&done);
                rt.go(move || {
                    marmot::blocking(|| marmot::sleep(ms(40)));
                    done.fetch_add(1, SeqCst);
                });
            }
            until(|| done.load(SeqCst) == 120);
        },
    );
    outcome.assert_success();
    assert!(!outcome.stderr.contains("stalled"), "{}", outcome.stderr);
}
