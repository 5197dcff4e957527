//! Lists that come in pages. Owns the one loop that follows tokens.

use std::future::Future;

use cell_eval::provider::{Answer, CloudError, Failure};

/// A page: what is on it, and the token of the next one.
pub(crate) type Page<T> = (Vec<T>, Option<String>);

/// No bound on the number of pages.
pub(crate) const ALL: usize = usize::MAX;

/// Everything on the pages of a list: whose, the call, how many pages at most, the request, the field.
macro_rules! listed {
    ($self:ident, $name:expr, $most:expr, $request:expr, $field:ident) => {
        $crate::paging::pages($name, $most, |token| async move {
            let request = || $request.set_next_token(token.clone()).send();
            let answer = $self.road().send($crate::call::read($name), request).await?;
            Ok((answer.$field.unwrap_or_default(), answer.next_token))
        })
        .await
    };
}
pub(crate) use listed;

/// Everything on all pages, or on the first `most` of them. A page may be empty and still have a next one.
pub(crate) async fn pages<T, F, A>(call: &str, most: usize, page: F) -> Answer<Vec<T>>
where
    F: Fn(Option<String>) -> A,
    A: Future<Output = Answer<Page<T>>>,
{
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..most {
        let (mut some, next) = page(token.clone()).await?;
        all.append(&mut some);
        match next.filter(|next| !next.is_empty()) {
            None => break,
            Some(next) if token.as_ref() == Some(&next) => {
                let why = "the service answers with the token of the page that was asked for";
                return Err(CloudError::own(call, Failure::Unavailable, why));
            }
            next => token = next,
        }
    }
    Ok(all)
}
