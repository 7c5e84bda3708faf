package initeffects

import (
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"initeffects/dep"
)

var conn = connect() // want `this uses the network before main starts: net.Dial through initeffects.connect \(initeffects/a.go:\d+\)`

func connect() net.Conn {
	c, err := net.Dial("tcp", "config:80")
	if err != nil {
		log.Fatal(err)
	}
	return c
}

var config, errConfig = os.ReadFile("config.yaml") // want `this reads or writes files before main starts: os.ReadFile`

func init() {
	dep.Start() // want `this starts a goroutine before main starts: go statement through dep.Start, dep.loop \(initeffects/dep/dep.go:\d+\)`
	dep.Wait()  // want `this waits before main starts: receive from a channel through dep.Wait`
}

func init() {
	go func() { time.Sleep(time.Second) }() // want `this starts a goroutine before main starts: go statement`
	time.Sleep(time.Millisecond)            // want `this waits before main starts: time.Sleep`
}

// What follows stays quiet.

var once = sync.OnceValue(func() []byte { b, _ := os.ReadFile("later"); return b })

var handler = func() { time.Sleep(time.Second) }

var errGone = errors.New("gone")

func init() {
	if runtime.GOOS == "plan9" {
		_, _ = os.ReadFile("/dev/sysname")
	}
	dep.Quiet()
	dep.Checked(3)
	poll(make(chan int, 1))
	prometheus.NewRegistry().MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "starts"}))
	fmt.Fprintln(os.Stderr, "hello")
}

func poll(c chan int) {
	select {
	case <-c:
	default:
	}
}

func Used() { _, _ = os.ReadFile("at run time"); _ = conn }

func init() {
	//roster:ignore initeffects the file is part of the image
	_, _ = os.ReadFile("/etc/image")
}
