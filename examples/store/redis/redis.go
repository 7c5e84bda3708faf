// Package redis registers "redis", a store that is a Redis server.
package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/roster-go/roster/examples/store/kv"
	"github.com/roster-go/roster/factory"
)

func init() {
	factory.Register(kv.Stores, "redis", open, factory.Defaults(Config{Timeout: 3 * time.Second}))
}

// Config is what can be said of a store in Redis. In a URL the password stands
// before the address and the number of the database behind it:
// redis://:password@localhost:6379/2
type Config struct {
	Address  string         `json:"address" config:"required" url:"address" doc:"host:port of the server"`
	User     string         `json:"user" url:"user"`
	Password factory.Secret `json:"password" url:"password"`
	DB       uint8          `json:"db" url:"tail" doc:"number of the database"`
	Prefix   string         `json:"prefix" doc:"what the keys begin with in Redis"`
	Timeout  time.Duration  `json:"timeout" doc:"for connecting and for each command"`
}

// Validate refuses a timeout that no command could keep.
func (c Config) Validate() error {
	if c.Timeout <= 0 {
		return fmt.Errorf("timeout is %s, and must be positive", c.Timeout)
	}
	return nil
}

type store struct {
	client *redis.Client
	prefix string
}

func open(ctx context.Context, c Config) (kv.Store, error) {
	client := redis.NewClient(&redis.Options{
		Addr: c.Address, Username: c.User, Password: c.Password.Reveal(), DB: int(c.DB),
		DialTimeout: c.Timeout, ReadTimeout: c.Timeout, WriteTimeout: c.Timeout, MaxRetries: -1,
		ContextTimeoutEnabled:    true, // or the context of a call would not end it
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("redis at %s: %w", c.Address, err), client.Close())
	}
	return &store{client, c.Prefix}, nil
}

func (s *store) Get(ctx context.Context, key string) (value string, ok bool, err error) {
	value, err = s.client.Get(ctx, s.prefix+key).Result()
	if errors.Is(err, redis.Nil) {
		return "", false, nil
	}
	return value, err == nil, named(err)
}

func (s *store) Set(ctx context.Context, key, value string) error {
	return named(s.client.Set(ctx, s.prefix+key, value, 0).Err())
}

func (s *store) Delete(ctx context.Context, key string) error {
	return named(s.client.Del(ctx, s.prefix+key).Err())
}

func (s *store) Close() error { return named(s.client.Close()) }

// named says whose error it is.
func named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("redis: %w", err)
}
