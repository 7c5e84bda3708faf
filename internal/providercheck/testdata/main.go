// Command main prints the names that a registry has, one a line, as its probe tells them.
// The names to ask for come on standard input, since not every registry can list its own.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	var candidates []string
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		candidates = append(candidates, in.Text())
	}
	for _, name := range registered(candidates) {
		fmt.Println(name)
	}
}
