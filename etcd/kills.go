package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/kill"
)

// killsKey stands before the text form of a target. The value is the order that stands, as
// JSON.
const killsKey = "roster/kills/"

// Kills keeps the orders of a kill switch in etcd, each at roster/kills/{target} after the
// prefix. It is the [kill.Store] of a hub, and of runtimes that may read it: an order that a
// hub has taken is found there by who starts while no hub answers. It is safe for concurrent
// use.
type Kills struct {
	client *clientv3.Client
	prefix string
}

var _ kill.Store = (*Kills)(nil)

// NewKills returns the store of orders over client, which stays the caller's to close. Prefix
// is that of [Options].
func NewKills(client *clientv3.Client, prefix string) *Kills {
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return &Kills{client: client, prefix: prefix + killsKey}
}

// Load implements [kill.Store]. What is there and is no order, such as one of a newer
// program, is left out; the error then names it, and the orders are those that could be read.
func (k *Kills) Load(ctx context.Context) ([]kill.Order, error) {
	response, err := k.client.Get(ctx, k.prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, fmt.Errorf("etcd: read %s: %w", k.prefix, err)
	}
	var orders []kill.Order
	var faults []error
	for _, kv := range response.Kvs {
		order, err := parseOrder(kv.GetValue())
		if err != nil {
			faults = append(faults, fmt.Errorf("etcd: the order at %s cannot be used and is passed over: %w", kv.GetKey(), err))
			continue
		}
		orders = append(orders, order)
	}
	return orders, errors.Join(faults...)
}

// Save implements [kill.Store]. An order that is beaten by the one in the store changes
// nothing.
func (k *Kills) Save(ctx context.Context, orders []kill.Order) error {
	var faults []error
	for _, order := range orders {
		if err := k.save(ctx, order); err != nil {
			faults = append(faults, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(faults...)
}

func (k *Kills) save(ctx context.Context, order kill.Order) error {
	key := k.prefix + order.Target.String()
	value, err := json.Marshal(order)
	if err != nil {
		return fmt.Errorf("etcd: the order for %s: %w", order.Target, err)
	}
	// What is there is looked at in the same step in which it is found to be another: only
	// somebody who writes the same target at the same time costs another round.
	revision := int64(0)
	for {
		response, err := k.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(key), "=", revision)).
			Then(clientv3.OpPut(key, string(value))).
			Else(clientv3.OpGet(key)).Commit()
		if err != nil {
			return fmt.Errorf("etcd: write %s: %w", key, err)
		}
		if response.Succeeded {
			return nil
		}
		revision = 0
		for _, kv := range response.Responses[0].GetResponseRange().GetKvs() {
			there, err := parseOrder(kv.GetValue())
			if err == nil && there.Compare(order) >= 0 {
				return nil
			}
			revision = kv.GetModRevision()
		}
	}
}

func parseOrder(value []byte) (kill.Order, error) {
	var order kill.Order
	if err := json.Unmarshal(value, &order); err != nil {
		return order, fmt.Errorf("it is not the JSON of an order: %w", err)
	}
	if err := order.Validate(); err != nil {
		return order, fmt.Errorf("it cannot be applied: %w", err)
	}
	return order, nil
}
