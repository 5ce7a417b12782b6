// Locks, channels and timers as `marmot bench` measures them, under the same names: CPU time of the process for one operation.
package main

import (
	"fmt"
	"math"
	"sync"
	"syscall"
	"time"
)

const runs = 5

func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func measure(name string, operations int, operate func(count int)) {
	operate(operations / 10)
	best := math.Inf(1)
	for range runs {
		used := cpu()
		operate(operations)
		best = min(best, float64(cpu()-used)/float64(operations))
	}
	fmt.Printf("%s %.2f cpu_ns\n", name, best)
}

func messages(room int) func(count int) {
	return func(count int) {
		channel, sum := make(chan int, room), make(chan int)
		go func() {
			all := 0
			for message := range channel {
				all += message
			}
			sum <- all
		}()
		for message := range count {
			channel <- message
		}
		close(channel)
		if <-sum != count*(count-1)/2 {
			panic("messages are missing")
		}
	}
}

func main() {
	var lock sync.Mutex
	number := 0
	measure("mutex_uncontended", 20_000_000, func(count int) {
		for range count {
			lock.Lock()
			number++
			lock.Unlock()
		}
	})
	measure("chan_cap0_msg", 1_000_000, messages(0))
	measure("chan_cap128_msg", 1_000_000, messages(128))
	measure("timer_create_stop", 2_000_000, func(count int) {
		for i := range count {
			time.NewTimer(10*time.Minute + time.Duration(i)).Stop()
		}
	})
}
