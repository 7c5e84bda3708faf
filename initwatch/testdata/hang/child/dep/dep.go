// Package dep runs a program that takes long.
package dep

import "os/exec"

func init() {
	migrate() // init.0: child
}

func migrate() {
	if err := exec.Command("sleep", "3600").Run(); err != nil { // waits
		panic(err)
	}
}
