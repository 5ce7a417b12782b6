//! Every back end, held to every law of the contract.

mod suite;

mod fixtures {
    pub mod memory;
    pub mod tcp;
    pub mod unix;
}

mod mock {
    crate::suite::suite!(crate::fixtures::memory::Memory);
}

mod unix {
    crate::suite::suite!(crate::fixtures::unix::Unix);
}

mod tcp {
    crate::suite::suite!(crate::fixtures::tcp::Tcp);
}
