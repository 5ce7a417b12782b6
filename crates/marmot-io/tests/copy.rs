//! Copying.

#[test]
fn nothing_is_copied_from_an_empty_reader() {
    assert_eq!(marmot_io::copy(&mut std::io::empty(), &mut std::io::sink()).unwrap(), 0);
}
