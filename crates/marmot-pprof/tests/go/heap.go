// A program whose profile of allocations is known: one line churns, one keeps, one grows.
package main

import (
	"bytes"
	"os"
	"runtime"
	"runtime/pprof"
)

var keep [][]byte
var sink []byte

//go:noinline
func churn() {
	for i := 0; i < 20000; i++ {
		sink = make([]byte, 4096)
	}
}

//go:noinline
func hold() {
	for i := 0; i < 5000; i++ {
		keep = append(keep, make([]byte, 2048))
	}
}

//go:noinline
func grow() {
	for i := 0; i < 500; i++ {
		var b bytes.Buffer
		for j := 0; j < 2000; j++ {
			b.WriteString("sixteen bytes ..")
		}
		sink = b.Bytes()
	}
}

func main() {
	runtime.MemProfileRate = 4096
	churn()
	hold()
	grow()
	sink = nil
	runtime.GC()
	runtime.GC()
	f, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	if err := pprof.Lookup("heap").WriteTo(f, 0); err != nil {
		panic(err)
	}
	f.Close()
}
