// The benchmarks of processes in Go: processes <bench> <number …>; prints what it measured, and the work that it did.
package main

import (
	"encoding/json"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type figures = map[string]float64
type counts = map[string]int

type run struct {
	Measured figures `json:"measured"`
	Proof    counts  `json:"proof"`
}

// How many seconds the work takes.
func once(work func()) float64 {
	start := time.Now()
	work()
	return time.Since(start).Seconds()
}

// The same where the first time, which grows heap and stacks, does not count.
func seconds(work func()) float64 {
	work()
	return once(work)
}

// Two goroutines, and a message that goes back and forth.
func pingPong(args []int) run {
	count, returned := args[0], 0
	took := seconds(func() {
		returned = 0
		pings, pongs := make(chan int), make(chan int)
		go func() {
			for value := range pings {
				pongs <- value
			}
		}()
		for i := 0; i < count; i++ {
			pings <- i
			if <-pongs == i {
				returned++
			}
		}
		close(pings)
	})
	return run{figures{"round trips": float64(count) / took}, counts{"returned": returned}}
}

// A ring of goroutines, and a token that counts its hops.
func threadRing(args []int) run {
	size, hops, arrived := args[0], args[1], 0
	head := make(chan int)
	next := head
	for i := 1; i < size; i++ {
		own := make(chan int)
		go func(own, next chan int) {
			for token := range own {
				next <- token + 1
			}
		}(own, next)
		next = own
	}
	took := seconds(func() {
		for arrived = 0; arrived < hops; arrived = <-head {
			next <- arrived + 1
		}
	})
	return run{figures{"hops": float64(hops) / took}, counts{"hops": arrived}}
}

// Many that send to one, over a channel with room for those that come while it is busy.
func fanIn(args []int) run {
	senders, each, received, sum := args[0], args[1], 0, 0
	messages := senders * each
	took := seconds(func() {
		values := make(chan int, 1024)
		for i := 0; i < senders; i++ {
			go func() {
				for n := 0; n < each; n++ {
					values <- n
				}
			}()
		}
		sum = 0
		for received = 0; received < messages; received++ {
			sum += <-values
		}
	})
	return run{figures{"messages": float64(messages) / took}, counts{"received": received, "sum": sum}}
}

// Goroutines that begin and end one after the other, each of which says so.
func spawnExit(args []int) run {
	count, ended := args[0], 0
	took := seconds(func() {
		ended = 0
		exits := make(chan int)
		for i := 0; i < count; i++ {
			go func(i int) { exits <- i }(i)
			if <-exits == i {
				ended++
			}
		}
	})
	return run{figures{"processes": float64(count) / took}, counts{"ended": ended}}
}

// A tree of goroutines, whose leaves send their numbers up.
func skynet(args []int) run {
	leaves, fanOut, sum := args[0], args[1], 0
	took := seconds(func() {
		sums := make(chan int)
		go node(sums, fanOut, 0, leaves)
		sum = <-sums
	})
	return run{figures{"time": took}, counts{"sum": sum}}
}

func node(parent chan<- int, fanOut, first, size int) {
	if size == 1 {
		parent <- first
		return
	}
	sums := make(chan int, fanOut)
	part := size / fanOut
	for i := 0; i < fanOut; i++ {
		go node(sums, fanOut, first+i*part, part)
	}
	sum := 0
	for i := 0; i < fanOut; i++ {
		sum += <-sums
	}
	parent <- sum
}

// Very many goroutines that wait, each at a channel of its own; each gets a message, and ends. It is measured the first
// time: later ones find the memory of those that have ended. Sending and ending can't be told apart, since goroutines take
// their messages, and end, while others are sent to.
func million(args []int) run {
	count, sent, received := args[0], 0, int64(0)
	var channels []chan struct{}
	var started, ended sync.WaitGroup
	goroutines, before := runtime.NumGoroutine(), memory()
	start := once(func() {
		for i := 0; i < count; i++ {
			ticks := make(chan struct{})
			channels = append(channels, ticks)
			started.Add(1)
			ended.Add(1)
			go func() {
				started.Done()
				<-ticks
				atomic.AddInt64(&received, 1)
				ended.Done()
			}()
		}
		started.Wait()
	})
	perGoroutine := float64(memory()-before) / float64(count)
	sendAndEnd := once(func() {
		for _, ticks := range channels {
			ticks <- struct{}{}
			sent++
		}
		ended.Wait()
		for runtime.NumGoroutine() > goroutines {
			runtime.Gosched()
		}
	})
	live := runtime.NumGoroutine() - goroutines
	return run{
		figures{"memory": perGoroutine, "start": start, "send and end": sendAndEnd},
		counts{"sent": sent, "received": int(received), "live": live},
	}
}

// The bytes in use on the heap and for stacks, without garbage.
func memory() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

func main() {
	benches := map[string]func([]int) run{
		"ping-pong":   pingPong,
		"thread-ring": threadRing,
		"fan-in":      fanIn,
		"spawn-exit":  spawnExit,
		"skynet":      skynet,
		"million":     million,
	}
	var args []int
	for _, text := range os.Args[2:] {
		arg, err := strconv.Atoi(text)
		if err != nil {
			panic(err)
		}
		args = append(args, arg)
	}
	if err := json.NewEncoder(os.Stdout).Encode(benches[os.Args[1]](args)); err != nil {
		panic(err)
	}
}
