// Package factory makes things by name from a config: each name has a constructor,
// and each constructor has a config type of its own.
//
//	type Config struct {
//		Address  string         `json:"address" config:"required" url:"address" doc:"host:port of the server"`
//		Password factory.Secret `json:"password" url:"password"`
//		Timeout  time.Duration  `json:"timeout" doc:"for each command"`
//	}
//
//	func init() {
//		factory.Register(store.Stores, "redis", open, factory.Defaults(Config{Timeout: time.Second}))
//	}
//
//	s, err := factory.FromURL(ctx, store.Stores, "redis://:password@localhost:6379?timeout=5s")
//
// Factories live in the registries of package roster: a [roster.Registry] of
// [*Factory] that packages fill while they initialise, a [roster.Hot] one, a scope.
// Everything that reads takes a [roster.View] of any of them.
//
// # Decoding
//
// One strict decoder reads JSON ([FromJSON], [FromTyped]), what other decoders have
// made of YAML and the like ([FromMap]), and URLs ([FromURL]). A field that the type
// does not have, one that is there twice, a value of the wrong type or out of range,
// null where there is no pointer: each is a [FieldError] with its path and the place in
// the source, and a [ConfigError] has all of them, not only the first. Names of
// fields are compared with their case. Then every part of the config that has a
// method Validate() error is asked.
//
// No error tells the value of a field, which may be a secret in the wrong place.
// What Validate, a type that decodes itself, or a constructor writes into its own
// errors is its author's to answer for.
//
// Input is refused beyond the stated limits ([MaxSize], [MaxDepth], [MaxValues]) and
// never makes the package panic.
//
// # Concurrency properties
//
// Everything in this package is safe for concurrent use. Each product has a config
// of its own, which shares no memory with the defaults or with the input.
package factory
