// Package dep calls C that does not return.
package dep

// #include <unistd.h>
// static void block(void) { for (;;) pause(); }
import "C"

func init() {
	start() // init.0: cgo
}

func start() {
	C.block() // waits
}
