// Getting an object from a sync.Pool and putting it back, as `marmot bench pool` does it: one goroutine for each P, an
// object of the same kind, and the same rows.
package main

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const operations = 20_000_000
const runs = 5

var pool = sync.Pool{New: func() any { return new([]byte) }}

func gets(count int) {
	for range count {
		bytes := pool.Get().(*[]byte)
		*bytes = append(*bytes, 1)
		*bytes = (*bytes)[:0]
		pool.Put(bytes)
	}
}

func spread(count int) {
	procs := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for range procs {
		all.Go(func() { gets(count / procs) })
	}
	all.Wait()
}

func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func main() {
	spread(operations / 10)
	bestCPU, bestWall := math.Inf(1), math.Inf(1)
	for range runs {
		used, begun := cpu(), time.Now()
		spread(operations)
		bestWall = min(bestWall, float64(time.Since(begun))/operations)
		bestCPU = min(bestCPU, float64(cpu()-used)/operations)
	}
	fmt.Printf("pool_get_put %.2f cpu_ns\npool_get_put.wall %.2f ns\n", bestCPU, bestWall)
}
