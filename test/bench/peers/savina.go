// Benchmarks of the Savina suite in Go: savina <bench> <number> …; prints what it measured, and the work that it did.
package main

import (
	"encoding/json"
	"os"
	"strconv"
	"sync"
	"time"
)

type run struct {
	Measured map[string]float64 `json:"measured"`
	Proof    map[string]int64   `json:"proof"`
}

func timed(metric string, count int64, work func() map[string]int64) run {
	start := time.Now()
	proof := work()
	return run{map[string]float64{metric: float64(count) / time.Since(start).Seconds()}, proof}
}

// The random numbers that all languages have: the one after this one.
func next(number int64) int64 { return (number*1309 + 13849) & 65535 }

// ---- big: many goroutines that ping others at random, and answer their pings

type bigMessage struct {
	isPing bool
	from   int64
}

type returned struct{ count, sum int64 }

func member(number, members, each int64, inboxes []chan bigMessage, sink chan<- returned) {
	random := number
	var got returned
	ping := func() {
		random = next(random)
		inboxes[(number+1+random%(members-1))%members] <- bigMessage{true, number}
	}
	ping()
	for message := range inboxes[number] {
		if message.isPing {
			inboxes[message.from] <- bigMessage{false, number}
			continue
		}
		got.count++
		got.sum += message.from
		if got.count == each {
			sink <- got
		} else {
			ping()
		}
	}
}

func big(args []int64) run {
	members, each := args[0], args[1]
	inboxes := make([]chan bigMessage, members)
	// Each has one ping or pong underway, so that no inbox is ever full.
	for i := range inboxes {
		inboxes[i] = make(chan bigMessage, members)
	}
	sink := make(chan returned, members)
	return timed("pings", members*each, func() map[string]int64 {
		for number := int64(0); number < members; number++ {
			go member(number, members, each, inboxes, sink)
		}
		var count, sum int64
		for i := int64(0); i < members; i++ {
			got := <-sink
			count += got.count
			sum += got.sum
		}
		return map[string]int64{"returned": count, "sum": sum}
	})
}

// ---- chameneos: creatures that meet in pairs at one place

type meeting struct {
	color int64
	// Where the other one waits to hear its new color; the second of the two has none.
	other chan<- meeting
	fade  bool
}

type meet struct {
	color int64
	from  chan meeting
}

func complement(one, other int64) int64 {
	if one == other {
		return one
	}
	return 3 - one - other
}

func chameneo(color int64, mall chan<- meet, faded chan<- int64) {
	// It waits for one thing at a time, which never holds up who tells it.
	inbox := make(chan meeting, 1)
	met := int64(0)
	for {
		mall <- meet{color, inbox}
		message := <-inbox
		if message.fade {
			faded <- met
			return
		}
		met++
		if message.other == nil {
			color = message.color
		} else {
			color = complement(color, message.color)
			message.other <- meeting{color: color}
		}
	}
}

func chameneos(args []int64) run {
	count, meetings := args[0], args[1]
	return timed("meetings", meetings, func() map[string]int64 {
		mall := make(chan meet, count)
		faded := make(chan int64, count)
		for i := int64(0); i < count; i++ {
			go chameneo(i%3, mall, faded)
		}
		for left := meetings; left > 0; left-- {
			first := <-mall
			second := <-mall
			first.from <- meeting{color: second.color, other: second.from}
		}
		for i := int64(0); i < count; i++ {
			last := <-mall
			last.from <- meeting{fade: true}
		}
		var met, ended int64
		for ; ended < count; ended++ {
			met += <-faded
		}
		return map[string]int64{"met": met, "faded": ended}
	})
}

// ---- bounded-buffer: producers and consumers around a channel that holds so many

func boundedBuffer(args []int64) run {
	producers, consumers, capacity, each := args[0], args[1], args[2], args[3]
	return timed("items", producers*each, func() map[string]int64 {
		buffer := make(chan int64, capacity)
		done := make(chan returned, consumers)
		for i := int64(0); i < consumers; i++ {
			go func() {
				var got returned
				for item := range buffer {
					got.count++
					got.sum += item
				}
				done <- got
			}()
		}
		var producing sync.WaitGroup
		producing.Add(int(producers))
		for number := int64(0); number < producers; number++ {
			go func(first int64) {
				for item := first; item < first+each; item++ {
					buffer <- item
				}
				producing.Done()
			}(number * each)
		}
		producing.Wait()
		close(buffer)
		var consumed, sum int64
		for i := int64(0); i < consumers; i++ {
			got := <-done
			consumed += got.count
			sum += got.sum
		}
		return map[string]int64{"consumed": consumed, "sum": sum}
	})
}

// ---- banking: accounts that pay into each other, and wait until the other one has it

type request struct {
	amount int64
	// Whom to pay the amount; it is paid in where there is nobody, and the balance is told.
	to    chan<- request
	reply chan<- int64
}

func account(balance int64, inbox <-chan request, done chan<- int64) {
	paid := make(chan int64, 1)
	for message := range inbox {
		if message.to == nil {
			balance += message.amount
			message.reply <- balance
			continue
		}
		balance -= message.amount
		message.to <- request{amount: message.amount, reply: paid}
		<-paid
		done <- message.amount
	}
}

func banking(args []int64) run {
	accounts, transactions, initial := args[0], args[1], args[2]
	inboxes := make([]chan request, accounts)
	done := make(chan int64, 1024)
	for i := range inboxes {
		inboxes[i] = make(chan request, 1024)
		go account(initial, inboxes[i], done)
	}
	result := timed("transactions", transactions, func() map[string]int64 {
		// Beside the one that takes the replies, so that it may wait where an inbox is full.
		go func() {
			random := int64(1)
			for i := int64(0); i < transactions; i++ {
				random = next(random)
				from := random % (accounts / 10) * 8
				random = next(random)
				to := random % (accounts - from)
				if to == 0 {
					to = 1
				}
				random = next(random)
				inboxes[from] <- request{amount: 1 + random%1000, to: inboxes[from+to]}
			}
		}()
		var replies, paid int64
		for ; replies < transactions; replies++ {
			paid += <-done
		}
		return map[string]int64{"done": replies, "paid": paid}
	})
	balances := make(chan int64, 1)
	for _, inbox := range inboxes {
		inbox <- request{reply: balances}
		result.Proof["balance"] += <-balances
	}
	return result
}

func main() {
	benches := map[string]func([]int64) run{
		"big":            big,
		"chameneos":      chameneos,
		"bounded-buffer": boundedBuffer,
		"banking":        banking,
	}
	var args []int64
	for _, text := range os.Args[2:] {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			panic(err)
		}
		args = append(args, number)
	}
	if err := json.NewEncoder(os.Stdout).Encode(benches[os.Args[1]](args)); err != nil {
		panic(err)
	}
}
