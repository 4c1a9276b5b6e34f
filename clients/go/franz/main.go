// The exercise with franz-go.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"interlock/clients/exercise"
)

func client(options ...kgo.Opt) (*kgo.Client, error) {
	options = append(options, kgo.SeedBrokers(exercise.Bootstrap))
	if exercise.Username != "" {
		auth := plain.Auth{User: exercise.Username, Pass: exercise.Password}
		options = append(options, kgo.SASL(auth.AsMechanism()))
	}
	return kgo.NewClient(options...)
}

func main() {
	ctx := context.Background()
	connected, err := client()
	if err != nil {
		panic(err)
	}
	defer connected.Close()
	admin := kadm.NewClient(connected)
	exercise.Step("create_topic", func() (string, error) {
		answers, err := admin.CreateTopics(ctx, exercise.Partitions, 1, nil, exercise.Topic)
		if err != nil {
			return "", err
		}
		return "", answers.Error()
	})
	produceAll(ctx)
	withGroup(ctx, admin)
	lookAround(ctx, admin)
	exercise.Step("delete_group", func() (string, error) {
		answers, err := admin.DeleteGroups(ctx, exercise.Group)
		if err != nil {
			return "", err
		}
		return "", answers.Error()
	})
	exercise.Step("delete_topic", func() (string, error) {
		answers, err := admin.DeleteTopics(ctx, exercise.Topic)
		if err != nil {
			return "", err
		}
		return "", answers.Error()
	})
}

func produceAll(ctx context.Context) {
	acks := []struct {
		name string
		acks kgo.Acks
	}{{"1", kgo.LeaderAck()}, {"all", kgo.AllISRAcks()}, {"0", kgo.NoAck()}}
	for _, one := range acks {
		produce(ctx, "produce_acks_"+one.name,
			kgo.RequiredAcks(one.acks), kgo.DisableIdempotentWrite())
	}
	produce(ctx, "produce_idempotent")
	exercise.Step("produce_transactional", func() (string, error) { return "", transactions(ctx) })
	codecs := []struct {
		name  string
		codec kgo.CompressionCodec
	}{
		{"none", kgo.NoCompression()},
		{"gzip", kgo.GzipCompression()},
		{"snappy", kgo.SnappyCompression()},
		{"lz4", kgo.Lz4Compression()},
		{"zstd", kgo.ZstdCompression()},
	}
	for _, one := range codecs {
		produce(ctx, "produce_"+one.name, kgo.ProducerBatchCompression(one.codec))
	}
}

func produce(ctx context.Context, name string, options ...kgo.Opt) {
	exercise.Step(name, func() (string, error) {
		producer, err := client(options...)
		if err != nil {
			return "", err
		}
		defer producer.Close()
		if err := send(ctx, producer, exercise.Values(name)); err != nil {
			return "", err
		}
		exercise.Expect(exercise.Values(name))
		return "", nil
	})
}

func send(ctx context.Context, producer *kgo.Client, values []string) error {
	ctx, cancel := context.WithTimeout(ctx, exercise.Patience)
	defer cancel()
	records := make([]*kgo.Record, len(values))
	for number, value := range values {
		records[number] = &kgo.Record{
			Topic: exercise.Topic, Key: []byte(fmt.Sprint(number)), Value: []byte(value),
		}
	}
	return producer.ProduceSync(ctx, records...).FirstErr()
}

func transactions(ctx context.Context) error {
	producer, err := client(kgo.TransactionalID(exercise.TransactionalID))
	if err != nil {
		return err
	}
	defer producer.Close()
	ends := []struct {
		name string
		end  kgo.TransactionEndTry
	}{{"aborted", kgo.TryAbort}, {"committed", kgo.TryCommit}}
	for _, one := range ends {
		if err := producer.BeginTransaction(); err != nil {
			return err
		}
		if err := send(ctx, producer, exercise.Values(one.name)); err != nil {
			return err
		}
		if err := producer.EndTransaction(ctx, one.end); err != nil {
			return err
		}
	}
	exercise.Expect(exercise.Values("committed"))
	return nil
}

func member(found chan<- string) (*kgo.Client, error) {
	consumer, err := client(
		kgo.ConsumerGroup(exercise.Group),
		kgo.ConsumeTopics(exercise.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(10*time.Second),
		kgo.HeartbeatInterval(500*time.Millisecond),
	)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			fetches := consumer.PollFetches(context.Background())
			if fetches.IsClientClosed() {
				return
			}
			fetches.EachRecord(func(record *kgo.Record) { found <- string(record.Value) })
		}
	}()
	return consumer, nil
}

func withGroup(ctx context.Context, admin *kadm.Client) {
	found := make(chan string, 10000)
	first, err := member(found)
	if err != nil {
		panic(err)
	}
	defer first.Close()
	exercise.Step("consume", func() (string, error) { return exercise.Compare(read(found)) })
	exercise.Step("commit", func() (string, error) { return commit(ctx, first, admin) })
	second, err := member(found)
	if err != nil {
		panic(err)
	}
	exercise.Step("rebalance_join", func() (string, error) {
		return untilAssigned(ctx, admin, []int{2, 2})
	})
	exercise.Step("describe_group", func() (string, error) {
		groups, err := admin.DescribeGroups(ctx, exercise.Group)
		if err != nil {
			return "", err
		}
		return exercise.Contains(groups.AssignedPartitions().Topics(), exercise.Topic)
	})
	exercise.Step("rebalance_leave", func() (string, error) {
		second.Close()
		return untilAssigned(ctx, admin, []int{4})
	})
	exercise.Step("seek", func() (string, error) {
		back := map[int32]kgo.EpochOffset{}
		for partition := range int32(exercise.Partitions) {
			back[partition] = kgo.EpochOffset{Epoch: -1, Offset: 0}
		}
		first.SetOffsets(map[string]map[int32]kgo.EpochOffset{exercise.Topic: back})
		return exercise.Compare(read(found))
	})
}

func read(found <-chan string) []string {
	var values []string
	deadline := time.After(exercise.Patience)
	for {
		var quiet <-chan time.Time
		if len(values) >= exercise.Expected() {
			quiet = time.After(exercise.Quiet)
		}
		select {
		case value := <-found:
			values = append(values, value)
		case <-quiet:
			return values
		case <-deadline:
			return values
		}
	}
}

func commit(ctx context.Context, consumer *kgo.Client, admin *kadm.Client) (string, error) {
	if err := consumer.CommitUncommittedOffsets(ctx); err != nil {
		return "", err
	}
	offsets, err := admin.FetchOffsets(ctx, exercise.Group)
	if err != nil {
		return "", err
	}
	sum := int64(0)
	offsets.Each(func(offset kadm.OffsetResponse) { sum += offset.At })
	if sum < int64(exercise.Expected()) {
		return "", fmt.Errorf("committed offsets are %v", offsets)
	}
	return "", nil
}

func untilAssigned(ctx context.Context, admin *kadm.Client, want []int) (string, error) {
	return exercise.Until(func() (bool, string) {
		groups, err := admin.DescribeGroups(ctx, exercise.Group)
		if err != nil {
			return false, err.Error()
		}
		var have []int
		for _, member := range groups[exercise.Group].Members {
			assigned, known := member.Assigned.AsConsumer()
			count := 0
			if known {
				for _, topic := range assigned.Topics {
					count += len(topic.Partitions)
				}
			}
			have = append(have, count)
		}
		return fmt.Sprint(have) == fmt.Sprint(want), fmt.Sprintf("partitions of members %v", have)
	})
}

func lookAround(ctx context.Context, admin *kadm.Client) {
	exercise.Step("list_topics", func() (string, error) {
		topics, err := admin.ListTopics(ctx)
		if err != nil {
			return "", err
		}
		return exercise.Contains(topics.Names(), exercise.Topic)
	})
	exercise.Step("describe_topic", func() (string, error) {
		topics, err := admin.ListTopics(ctx, exercise.Topic)
		if err != nil {
			return "", err
		}
		if count := len(topics[exercise.Topic].Partitions); count != exercise.Partitions {
			return "", fmt.Errorf("%d partitions", count)
		}
		return "", topics[exercise.Topic].Err
	})
	exercise.Step("list_groups", func() (string, error) {
		groups, err := admin.ListGroups(ctx)
		if err != nil {
			return "", err
		}
		return exercise.Contains(groups.Groups(), exercise.Group)
	})
	exercise.Step("list_group_offsets", func() (string, error) {
		offsets, err := admin.FetchOffsets(ctx, exercise.Group)
		if err != nil {
			return "", err
		}
		return exercise.Contains(offsets.Partitions().Topics(), exercise.Topic)
	})
}
