package move_test

import (
	"fmt"

	"github.com/roster-go/roster/replica/move"
)

// A planned move, by an executor that does nothing but say what it would do.
func Example_move() {
	numbers := move.Numbers{"us": 1, "eu": 2}
	record, _ := move.Create("orders", "us", numbers)
	opened, _ := record.Step()
	record, _ = record.Done(opened)

	record, _ = record.Begin("eu", numbers)
	for step, more := record.Step(); more; step, more = record.Step() {
		fmt.Println(step)
		record, _ = record.Done(step)
	}
	fmt.Println("home:", record.Home)
	leftover, _ := record.Leftover("us")
	fmt.Println(leftover)

	// Output:
	// fence in us, closed at epoch 1
	// copy from us to eu, import at epoch 2
	// verify from us to eu, sealed at epoch 2
	// open in eu, open at epoch 2
	// home: eu
	// clean in us, closed at epoch 2
}

// A failover, and what the old home has to do when it comes back.
func Example_failover() {
	numbers := move.Numbers{"us": 1, "eu": 2}
	record, _ := move.Create("orders", "us", numbers)
	opened, _ := record.Step()
	record, _ = record.Done(opened)

	record, _ = record.Force("eu", numbers)
	for step, more := record.Step(); more; step, more = record.Step() {
		fmt.Println(step)
		record, _ = record.Done(step)
	}
	fmt.Println("us may hold the lease:", record.Serves("us", 1))
	leftover, _ := record.Leftover("us")
	fmt.Println(leftover)

	// Output:
	// wait until the lease of us has run out
	// open in eu, open at epoch 2
	// us may hold the lease: false
	// set aside in us, closed at epoch 2
}
