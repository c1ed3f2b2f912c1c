// The channel benchmarks in Go: channels <bench> <count> <capacity>; prints what it measured, and the work that it did.
package main

import (
	"encoding/json"
	"os"
	"strconv"
	"time"
)

type run struct {
	Measured map[string]float64 `json:"measured"`
	Proof    map[string]int64   `json:"proof"`
}

func pingPong(count int64, capacity int) (received, sum int64) {
	pings := make(chan int64, capacity)
	pongs := make(chan int64, capacity)
	go func() {
		for value := range pings {
			pongs <- value
		}
	}()
	for i := int64(0); i < count; i++ {
		pings <- i
		sum += <-pongs
		received++
	}
	close(pings)
	return
}

func oneWay(count int64, capacity int) (received, sum int64) {
	values := make(chan int64, capacity)
	go func() {
		for i := int64(0); i < count; i++ {
			values <- i
		}
		close(values)
	}()
	for value := range values {
		sum += value
		received++
	}
	return
}

func local(count int64, capacity int) (received, sum int64) {
	values := make(chan int64, capacity)
	for i := int64(0); i < count; i++ {
		values <- i
		sum += <-values
		received++
	}
	return
}

func main() {
	benches := map[string]func(int64, int) (int64, int64){"ping-pong": pingPong, "one-way": oneWay, "local": local}
	count, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil {
		panic(err)
	}
	capacity, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	start := time.Now()
	received, sum := benches[os.Args[1]](count, capacity)
	rate := float64(count) / time.Since(start).Seconds()
	result := run{map[string]float64{"rate": rate}, map[string]int64{"received": received, "sum": sum}}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		panic(err)
	}
}
