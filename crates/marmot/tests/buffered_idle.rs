//! What an idle buffered connection holds: no node. Alone in its process, because the count of nodes is the process's.

mod common;

use std::io::{self, Read, Write};

use common::{pair, until, with_procs};
use marmot::buffered::codec::Fixed;
use marmot::buffered::{Conn, Framed};

#[test]
fn an_idle_connection_holds_no_node() {
    with_procs(2, || {
        let idle: Vec<_> = (0..500)
            .map(|_| {
                let (near, mut far) = pair();
                let server = marmot::go(move || -> io::Result<()> {
                    let mut frames = Framed::new(Conn::new(near)?, Fixed::new(64));
                    while let Some(frame) = frames.read()? {
                        frames.write(frame)?;
                    }
                    Ok(())
                });
                far.write_all(&[9; 64]).unwrap();
                let mut answer = [0; 64];
                far.read_exact(&mut answer).unwrap();
                assert_eq!(answer, [9; 64]);
                (server, far)
            })
            .collect();
        until(|| marmot::buf::nodes_in_use() == 0);
        for (server, far) in idle {
            drop(far);
            server.join().unwrap().unwrap();
        }
        assert_eq!(marmot::buf::nodes_in_use(), 0);
    });
}
