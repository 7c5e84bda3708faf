// The command testmodule is what the tests of the host run as a WebAssembly module. It
// is an ordinary program: the capability is its argument, the input is on standard
// input, and the answer goes to standard output.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
)

type input struct {
	Text string `json:"text"`
	MiB  int    `json:"mib"`
}

func main() {
	var in input
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(65)
	}
	switch os.Args[1] {
	case "wasm.upper":
		answer(strings.ToUpper(in.Text))
	case "wasm.config":
		fmt.Println(os.Getenv("ROSTER_CONFIG"))
	case "wasm.fail":
		fmt.Fprintln(os.Stderr, "it is broken")
		os.Exit(1)
	case "wasm.spin":
		for i := 0; ; i++ {
			if i < 0 {
				return
			}
		}
	case "wasm.eat":
		var eaten [][]byte
		for range in.MiB {
			eaten = append(eaten, make([]byte, 1<<20))
		}
		answer(strconv.Itoa(len(eaten)))
	case "wasm.flood":
		for range in.MiB {
			if _, err := os.Stdout.Write(make([]byte, 1<<20)); err != nil {
				os.Exit(1)
			}
		}
	case "wasm.garbage":
		fmt.Print("{")
	case "wasm.reach":
		_, fileErr := os.ReadFile("/etc/passwd")
		_, netErr := new(net.Dialer).DialContext(context.Background(), "tcp", "127.0.0.1:80")
		answer(fmt.Sprint(fileErr != nil, netErr != nil, len(os.Environ())))
	}
}

func answer(text string) {
	if err := json.NewEncoder(os.Stdout).Encode(text); err != nil {
		os.Exit(1)
	}
}
