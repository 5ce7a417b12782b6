//! A key-value store that answers many small requests by few system calls, and a client that asks it.
//!
//! Requests and answers are frames of text with their length before them: `SET name value` and `GET name`.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

use marmot::buffered::codec::LengthDelimited;
use marmot::buffered::{Conn, Framed};
use marmot::net::{TcpListener, TcpStream};

type Store = Arc<Mutex<HashMap<String, String>>>;

/// Answers one connection's requests, until it ends. All that have come together are answered together.
fn serve(stream: TcpStream, store: &Store) -> io::Result<()> {
    let mut frames = Framed::new(Conn::new(stream)?, LengthDelimited::new().max_length(64 * 1024));
    while let Some(request) = frames.read()? {
        frames.write(answer(&String::from_utf8_lossy(&request), store))?;
    }
    Ok(())
}

fn answer(request: &str, store: &Store) -> String {
    // The lock is not held across anything that waits.
    let mut store = store.lock().expect("nothing panics while the store is locked");
    match request.splitn(3, ' ').collect::<Vec<_>>()[..] {
        ["SET", name, value] => {
            store.insert(name.to_owned(), value.to_owned());
            "OK".to_owned()
        }
        ["GET", name] => store.get(name).map_or("NONE".to_owned(), |value| format!("VALUE {value}")),
        _ => format!("ERROR {request:?} is neither SET nor GET"),
    }
}

#[marmot::main]
fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let store = Store::default();
    marmot::go(move || {
        for stream in listener.incoming().flatten() {
            let store = Arc::clone(&store);
            marmot::go(move || {
                if let Err(error) = serve(stream, &store) {
                    eprintln!("a connection has failed: {error}");
                }
            });
        }
    });

    let mut client = Framed::new(Conn::new(TcpStream::connect(addr)?)?, LengthDelimited::new());
    let requests = ["SET animal marmot", "GET animal", "GET plant", "DIG"];
    for request in requests {
        client.write(request)?;
    }
    // The four requests are sent together now, because this goroutine waits.
    for request in requests {
        let answer = client.read()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        println!("{request:<18} {}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}
