package pick_test

import (
	"errors"
	"fmt"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/pick"
)

// thumbnails stands for a discovery.View that is kept up to date.
type thumbnails []discovery.Instance

func (t thumbnails) Get(string) []discovery.Instance { return t }

func (t thumbnails) Version() uint64 { return 1 }

// A balancer hands out an instance for each call and learns how the call went.
func ExampleBalancer() {
	view := thumbnails{
		{Service: "image.thumbnail", ID: "a", Address: "10.0.0.1:7070"},
		{Service: "image.thumbnail", ID: "b", Address: "10.0.0.2:7070"},
	}
	balancer, err := pick.New(view, "image.thumbnail", pick.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}

	calls := make(map[string]int)
	for range 10 {
		picked, err := balancer.Pick("")
		if err != nil {
			fmt.Println(err)
			return
		}
		calls[picked.Instance().Address]++ // here the call is made
		picked.Done(nil)
	}
	fmt.Println(calls)
	// Output: map[10.0.0.1:7070:5 10.0.0.2:7070:5]
}

// A call that failed is made again elsewhere.
func ExampleBalancer_PickOther() {
	view := thumbnails{{ID: "a", Address: "10.0.0.1:7070"}, {ID: "b", Address: "10.0.0.2:7070"}}
	balancer, err := pick.New(view, "image.thumbnail", pick.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	first, err := balancer.Pick("")
	if err != nil {
		fmt.Println(err)
		return
	}
	first.Done(errors.New("connection refused"))

	second, err := balancer.PickOther("", first)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer second.Done(nil)
	fmt.Println(first.Instance().ID != second.Instance().ID)
	// Output: true
}

// The same key goes to the same instance. When one leaves, only its keys move.
func ExampleConsistentHash() {
	pool, err := pick.NewPool(pick.Options{Policy: pick.ConsistentHash})
	if err != nil {
		fmt.Println(err)
		return
	}
	cache := []discovery.Instance{{ID: "cache-0"}, {ID: "cache-1"}, {ID: "cache-2"}}
	users := []string{"ada", "grace", "alan", "edsger"}

	for _, instances := range [][]discovery.Instance{cache, cache[:2]} {
		pool.Update(instances)
		for _, user := range users {
			picked, err := pool.Pick(user)
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(user, picked.Instance().ID)
			picked.Done(nil)
		}
	}
	// Output:
	// ada cache-1
	// grace cache-1
	// alan cache-2
	// edsger cache-2
	// ada cache-1
	// grace cache-1
	// alan cache-1
	// edsger cache-0
}

// Calls stay in the caller's zone while enough of its instances answer.
func ExampleOptions_zoneFirst() {
	pool, err := pick.NewPool(pick.Options{Region: "eu", Zone: "eu-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	instances := []discovery.Instance{
		{ID: "a", Region: "us", Zone: "us-1"},
		{ID: "b", Region: "eu", Zone: "eu-2"},
		{ID: "c", Region: "eu", Zone: "eu-1"},
	}
	for len(instances) > 0 {
		pool.Update(instances)
		picked, err := pool.Pick("")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(picked.Instance().Zone)
		picked.Done(nil)
		instances = instances[:len(instances)-1] // the nearest one leaves
	}
	// Output:
	// eu-1
	// eu-2
	// us-1
}
