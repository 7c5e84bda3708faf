// Package wire gives Go types names on the wire, so that a value of interface type
// can be encoded as JSON or gob and decoded again.
//
// The name of a type is part of the data and outlives the code: it is mandatory,
// and does not follow from where the type is declared. So a type can be renamed
// and moved, and what was stored last year still decodes. A name that is no longer
// written stays as an [Alias]; a shape that is no longer written is brought up to
// date by an [Upgrade].
//
// A [Registry] encodes and decodes values of one interface type. [Box] is a field
// of that type in a struct that is encoded with encoding/json or encoding/gob,
// [Slice] and [Map] are several of them. Gob has to be asked for
// ([Registry.UseForGob]).
//
// Names are entries of a [roster.Registry]: they have provenance, clashes name both
// places, lookups are counted, and an unknown name is a [*roster.UnknownError] that
// tells which names come close.
//
// # Hostile input
//
// Decoding never panics. JSON of more than [MaxSize] bytes or nested deeper than
// [MaxDepth] is refused before anything is decoded. Gob has lower limits
// ([MaxGobSize], [MaxGobDepth]), and what its authors say holds here, too: it is not
// made for data of an adversary. A type whose values refer to themselves without a
// box is decoded as deeply as the size allows.
//
// # Concurrency properties
//
// A Registry is safe for concurrent use. Encoding and decoding take no lock.
package wire
