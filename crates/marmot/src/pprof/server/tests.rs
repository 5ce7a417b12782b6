//! The times of answers and requests.

use super::*;

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Two requests that came together are answered without a read in between.
#[test]
fn each_answer_has_a_time_of_its_own() {
    let (near, mut far) = pair();
    let mut limited = Limited { conn: &near, until: Instant::now() + HEADER_TIMEOUT, is_answering: false };
    limited.write_all(b"first").unwrap();
    assert!(limited.until > Instant::now() + HEADER_TIMEOUT);
    // The client has taken all the time that there is.
    limited.until = Instant::now();
    assert_eq!(limited.write(b"more").unwrap_err().kind(), io::ErrorKind::TimedOut);
    limited.flush().unwrap();
    limited.write_all(b"second").unwrap();
    assert!(limited.until > Instant::now() + HEADER_TIMEOUT);
    let mut all = [0; 11];
    far.read_exact(&mut all).unwrap();
    assert_eq!(&all, b"firstsecond");
    // And a request has the time from the end of the answer before it.
    limited.flush().unwrap();
    far.write_all(b"x").unwrap();
    limited.read_exact(&mut [0]).unwrap();
    assert!(limited.until <= Instant::now() + HEADER_TIMEOUT);
    limited.until = Instant::now();
    assert_eq!(limited.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::TimedOut);
}
