//! One transaction: all statements in one flight, then COMMIT. If the connection dies after COMMIT
//! was sent, the database is asked what became of it before anybody is answered (F-13).

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

use super::group::Group;
use crate::Fault;
use crate::postgres::Shared;
use crate::postgres::connect::{Session, words};
use crate::postgres::link::Link;
use crate::postgres::partition::{Partition, Whole};
use crate::postgres::read::sql_time;

/// How long the statements may take together.
const FLIGHT: Duration = Duration::from_millis(700);
/// How long the COMMIT, or a ROLLBACK, may take.
const COMMIT: Duration = Duration::from_millis(600);
/// Until when, from its beginning, the result of a transaction is looked for. With the wait for a
/// lane, a fault is told within two seconds.
const CERTAINTY: Duration = Duration::from_millis(1400);
/// How long making partitions may take; it happens once in five minutes, mostly ahead of time.
const MAKING: Duration = Duration::from_millis(1000);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(25);

const XID: &str = "SELECT pg_current_xact_id()::text";
/// The row that the transaction logged proves it. The database's own number does not: one that a
/// crash took away is given out again, and then it says what became of another transaction.
const STATUS: &str = "SELECT EXISTS (SELECT FROM change \
    WHERE xid = $1::text::xid8 AND node = $2 AND number = $3), pg_xact_status($1::text::xid8)";

/// What became of a transaction.
pub enum Verdict {
    /// It is durable. For each commit the place of the write that lost, if one did.
    Committed(Vec<Option<usize>>),
    /// Nothing was written, because a commit would have been torn.
    RolledBack(Vec<Option<usize>>),
    /// Nothing was written; another attempt may succeed.
    Again,
    /// It failed, or it is not known what became of it.
    Failed(Fault),
}

/// A transaction about to run.
pub struct Transaction<'a> {
    session: &'a Session,
    helper: &'a Link,
    shared: &'a Shared,
    /// Which one it is of this node's.
    number: i64,
    began: Instant,
}

/// One statement with its parameters.
type Prepared<'a> = (Statement, Vec<Box<dyn ToSql + Sync + Send + 'a>>);
type Answer = Result<Vec<Row>, Error>;

impl<'a> Transaction<'a> {
    /// On a connection that nobody else uses meanwhile.
    pub fn new(session: &'a Session, helper: &'a Link, shared: &'a Shared) -> Self {
        let number = shared.transactions.fetch_add(1, Ordering::Relaxed);
        Self { session, helper, shared, number, began: Instant::now() }
    }

    /// Runs it.
    pub async fn run(&self, group: &Group) -> Verdict {
        let sent = tokio::time::timeout(FLIGHT, self.write(group)).await;
        let (xid, lost) = match sent {
            Ok(Ok(written)) => written,
            Ok(Err(error)) => return self.judge(group, &error).await,
            Err(_) => {
                // Without its COMMIT it ends with the connection.
                self.session.abandon();
                return Verdict::Failed(late());
            }
        };
        if group.is_torn(&lost) {
            return match self.roll_back().await {
                Ok(()) => Verdict::RolledBack(lost),
                Err(fault) => Verdict::Failed(fault),
            };
        }
        match tokio::time::timeout(COMMIT, self.session.batch("COMMIT")).await {
            Ok(Ok(())) => Verdict::Committed(lost),
            Ok(Err(_)) | Err(_) => {
                self.session.abandon();
                self.find_out(&xid, lost).await
            }
        }
    }

    /// Sends everything but the COMMIT; answers the transaction's number and who lost.
    async fn write(&self, group: &Group) -> Result<(String, Vec<Option<usize>>), Error> {
        let mut statements: Vec<Prepared<'_>> = vec![(self.session.prepare(XID).await?, vec![])];
        for batch in &group.batches {
            statements.push((self.session.prepare(&batch.sql()).await?, batch.params()));
        }
        let table = self.change_partition().table();
        statements.push((self.session.prepare(&log_sql(&table)).await?, self.log(group)));
        let mut begin = std::pin::pin!(self.session.batch("BEGIN"));
        // Sent by the first poll, so that the statements follow it in the same flight.
        let mut began = poll_fn(|context| Poll::Ready(begin.as_mut().poll(context))).await;
        let answers = self.run_all(&statements).await;
        if began.is_pending() {
            began = Poll::Ready(begin.await);
        }
        if let Poll::Ready(Err(error)) = began {
            return Err(error);
        }
        let mut answers = answers.into_iter();
        let mut xid = String::new();
        if let Some(rows) = answers.next() {
            xid = rows?.first().map(|row| row.get(0)).unwrap_or_default();
        }
        let mut won = Vec::with_capacity(group.batches.len());
        for batch in &group.batches {
            let rows = answers.next().unwrap_or_else(|| Ok(Vec::new()))?;
            won.push(batch.won(&rows));
        }
        for rest in answers {
            rest?;
        }
        Ok((xid, group.losers(&won)))
    }

    /// Runs statements in one flight, in their order.
    async fn run_all(&self, statements: &[Prepared<'_>]) -> Vec<Answer> {
        let params: Vec<Vec<&(dyn ToSql + Sync)>> = statements
            .iter()
            .map(|(_, params)| params.iter().map(|it| &**it as &(dyn ToSql + Sync)).collect())
            .collect();
        let mut flying: Vec<Pin<Box<dyn Future<Output = Answer> + Send + '_>>> = Vec::new();
        for ((statement, _), params) in statements.iter().zip(&params) {
            flying.push(Box::pin(self.session.run(statement, params)));
        }
        in_order(flying).await
    }

    fn change_partition(&self) -> Partition {
        Partition::of(Whole::Change, self.shared.clock.now())
    }

    fn log<'g>(&self, group: &'g Group) -> Vec<Box<dyn ToSql + Sync + Send + 'g>> {
        let changes = || group.changes.iter();
        let person = |it: &'g super::super::changes::Change| {
            it.person.as_ref().map(|person| person.as_bytes().as_slice())
        };
        vec![
            Box::new(sql_time(self.shared.clock.now())),
            Box::new(self.shared.node),
            Box::new(self.number),
            Box::new(changes().map(|it| it.kind).collect::<Vec<_>>()),
            Box::new(changes().map(|it| it.env.as_bytes().as_slice()).collect::<Vec<_>>()),
            Box::new(changes().map(|it| it.name.as_slice()).collect::<Vec<_>>()),
            Box::new(changes().map(|it| it.version).collect::<Vec<_>>()),
            Box::new(changes().map(person).collect::<Vec<_>>()),
        ]
    }

    /// What an error of a statement means. Nothing was committed.
    async fn judge(&self, group: &Group, error: &Error) -> Verdict {
        let Some(code) = error.code() else {
            self.session.abandon();
            return Verdict::Failed(Fault::Unavailable(words(error)));
        };
        if let Err(fault) = self.roll_back().await {
            return Verdict::Failed(fault);
        }
        if *code == SqlState::UNDEFINED_TABLE {
            return match self.bounded(MAKING, self.make_partitions(group)).await {
                Ok(()) => Verdict::Again,
                Err(fault) => Verdict::Failed(fault),
            };
        }
        if *code == SqlState::T_R_DEADLOCK_DETECTED || *code == SqlState::T_R_SERIALIZATION_FAILURE
        {
            return Verdict::Again;
        }
        if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
            // It was the primary when we connected. The next connection looks for the new one.
            self.session.abandon();
        }
        tracing::warn!(error = words(error), "a commit failed; nothing was acknowledged");
        Verdict::Failed(Fault::Unavailable(words(error)))
    }

    async fn roll_back(&self) -> Result<(), Fault> {
        self.bounded(COMMIT, self.session.batch("ROLLBACK")).await
    }

    /// A connection that does not answer in time is given up.
    async fn bounded<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Fault> {
        match tokio::time::timeout(limit, work).await {
            Ok(done) => done.map_err(|error| Fault::Unavailable(words(&error))),
            Err(_) => {
                self.session.abandon();
                Err(late())
            }
        }
    }

    async fn make_partitions(&self, group: &Group) -> Result<(), Error> {
        for partition in group.partitions.iter().copied().chain([self.change_partition()]) {
            partition.make(self.session).await?;
        }
        Ok(())
    }

    /// Asks, over another connection, what became of a transaction whose COMMIT was sent.
    async fn find_out(&self, xid: &str, lost: Vec<Option<usize>>) -> Verdict {
        let (node, number) = (self.shared.node, self.number);
        while self.began.elapsed() < CERTAINTY {
            let asked = self
                .helper
                .ask(|session| async move { session.query(STATUS, &[&xid, &node, &number]).await });
            let left = CERTAINTY.saturating_sub(self.began.elapsed());
            let answer = match tokio::time::timeout(left, asked).await {
                Ok(Ok(rows)) => {
                    rows.first().map(|row| (row.get::<_, bool>(0), row.get::<_, Option<String>>(1)))
                }
                Ok(Err(_)) | Err(_) => None,
            };
            match answer {
                Some((true, _)) => {
                    self.shared.written.resolved.fetch_add(1, Ordering::Relaxed);
                    return Verdict::Committed(lost);
                }
                Some((false, status)) if status.as_deref() == Some("aborted") => {
                    self.shared.written.resolved.fetch_add(1, Ordering::Relaxed);
                    return failed("the connection ended before the commit");
                }
                // Still under way; or committed since the question began; or the database is
                // away and may be back in time.
                Some(_) | None => tokio::time::sleep(LOOK).await,
            }
        }
        self.shared.written.unresolved.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(xid, "it is not known whether a transaction was committed");
        failed("it is not known whether the commit happened")
    }
}

fn late() -> Fault {
    Fault::Unavailable(String::from("the database does not answer in time"))
}

fn failed(what: &str) -> Verdict {
    Verdict::Failed(Fault::Unavailable(what.to_owned()))
}

fn log_sql(table: &str) -> String {
    format!(
        "INSERT INTO {table} (at, node, number, kind, env, name, version, person) \
         SELECT $1::int8, $2::int8, $3::int8, c.* FROM unnest($4::int2[], $5::bytea[], \
         $6::bytea[], $7::int8[], $8::bytea[]) AS c"
    )
}

/// Completes when all have, polling them in their order: the first poll of each sends it.
async fn in_order<T>(mut flying: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = flying.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut open = false;
        for (future, done) in flying.iter_mut().zip(&mut done) {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(answer) => *done = Some(answer),
                    Poll::Pending => open = true,
                }
            }
        }
        if open { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}
