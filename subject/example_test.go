package subject_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/subject"
)

// Order is what the messages of the examples are about.
type Order struct{ ID int }

func Example() {
	orders := subject.New[Order]()
	orders.Subscribe("orders.*.created", func(_ context.Context, m subject.Message[Order]) error {
		fmt.Println("invoice for order", m.Value.ID)
		return nil
	})
	orders.Subscribe("orders.eu.>", func(_ context.Context, m subject.Message[Order]) error {
		fmt.Println("seen in Europe:", m.Subject)
		return nil
	})

	taken, err := orders.Publish(context.Background(), "orders.us.created", Order{ID: 7})
	fmt.Println(taken, err)
	// Output:
	// invoice for order 7
	// 1 <nil>
}

func ExampleBuffer() {
	readings := subject.New[float64]()
	alarm := readings.Subscribe("sensors.*.temperature", func(_ context.Context, m subject.Message[float64]) error {
		if m.Value > 90 {
			fmt.Println(m.Subject, "is too hot")
		}
		return nil
	}, subject.Buffer(64, subject.DropOldest))

	for _, celsius := range []float64{20, 95, 30} {
		if _, err := readings.Publish(context.Background(), "sensors.boiler.temperature", celsius); err != nil {
			fmt.Println(err)
		}
	}
	err := readings.Close(context.Background()) // waits for what is in the queue
	fmt.Println(alarm.Stats().Handled, err)
	// Output:
	// sensors.boiler.temperature is too hot
	// 3 <nil>
}

func ExampleQueue() {
	jobs := subject.New[string]()
	work := func(_ context.Context, m subject.Message[string]) error {
		fmt.Println("resize", m.Value)
		return nil
	}
	jobs.Subscribe("images.>", work, subject.Queue("resizers"), subject.Buffer(16, subject.Block))
	jobs.Subscribe("images.>", work, subject.Queue("resizers"), subject.Buffer(16, subject.Block))

	taken, _ := jobs.Publish(context.Background(), "images.uploaded", "cat.png")
	err := jobs.Close(context.Background())
	fmt.Println(taken, err)
	// Output:
	// resize cat.png
	// 1 <nil>
}

func ExampleBus_Publish() {
	orders := subject.New[Order]()
	full := errors.New("the disk is full")
	orders.Subscribe("orders.>", func(context.Context, subject.Message[Order]) error { return full }, subject.Name("archive"))

	_, err := orders.Publish(context.Background(), "orders.eu.created", Order{ID: 7})
	if failed, ok := errors.AsType[*subject.DeliveryError](err); ok {
		fmt.Println(failed.Subscription, "failed:", failed.Err)
	}
	// Output: archive failed: the disk is full
}

func ExampleSubscription_Unsubscribe() {
	orders := subject.New[Order]()
	var first *subject.Subscription[Order]
	first = orders.Subscribe("orders.>", func(_ context.Context, m subject.Message[Order]) error {
		fmt.Println("the first order is", m.Value.ID)
		first.Unsubscribe() // it is running, and is not called again
		return nil
	})

	for id := range 3 {
		taken, _ := orders.Publish(context.Background(), "orders.eu.created", Order{ID: id})
		fmt.Println(taken)
	}
	// Output:
	// the first order is 0
	// 1
	// 0
	// 0
}

func ExampleSubscription_Replace() {
	orders := subject.New[Order]()
	billing := orders.Subscribe("orders.>", func(context.Context, subject.Message[Order]) error {
		fmt.Println("billed by version 1")
		return nil
	}, subject.Name("billing"))
	publish := func() { _, _ = orders.Publish(context.Background(), "orders.eu.created", Order{}) }

	publish()
	err := billing.Replace(func(context.Context, subject.Message[Order]) error {
		fmt.Println("billed by version 2")
		return nil
	})
	publish()
	fmt.Println(err)
	// Output:
	// billed by version 1
	// billed by version 2
	// <nil>
}

func ExampleBus_Subscriptions() {
	orders := subject.New[Order]()
	handle := func(context.Context, subject.Message[Order]) error { return nil }
	orders.Subscribe("orders.>", handle, subject.Name("archive"))
	_, err := orders.TrySubscribe("orders.eu.>", handle, subject.Name("archive"))

	fmt.Println(orders.Subscriptions().Names(), errors.Is(err, roster.ErrDuplicate))
	// Output: [archive] true
}
