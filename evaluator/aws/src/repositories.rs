//! ECR in an account and a region. Owns how each method is sent; what a policy is to say is the core's.

use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::ImageIdentifier;
use cell_eval::provider::{Answer, Failure};
use cell_eval::repositories::{Found, Repositories};

use crate::call::{read, write};
use crate::cloud::AwsCloud;
use crate::convert::{done, found, need};
use crate::places::{Place, send};

/// ECR in one account and region.
#[derive(Debug)]
pub struct AwsRepositories<'a> {
    at: Place<'a>,
}

impl AwsCloud {
    /// ECR in an account and a region. Sends nothing yet.
    pub fn repositories(&self, account: &str, region: &str) -> AwsRepositories<'_> {
        AwsRepositories { at: Place::new(self, account, region) }
    }
}

impl AwsRepositories<'_> {
    async fn client(&self) -> Answer<Client> {
        self.at.client(&self.at.cloud.members.repositories, Client::new).await
    }

    async fn policy_of(&self, repository: &str) -> Answer<Found> {
        let call = read("ecr:GetRepositoryPolicy");
        match send!(self, call, |client| client.get_repository_policy().repository_name(repository)) {
            Ok(answer) => Ok(Found::Policy(need(call.name, "policyText", answer.policy_text)?)),
            Err(error) if error.code == "RepositoryPolicyNotFoundException" => Ok(Found::NoPolicy),
            Err(error) if error.failure == Failure::NotFound => Ok(Found::NoRepository),
            Err(error) => Err(error),
        }
    }

    async fn set(&self, repository: &str, text: &str) -> Answer<()> {
        let call = write("ecr:SetRepositoryPolicy");
        send!(self, call, |client| client.set_repository_policy().repository_name(repository).policy_text(text))
            .map(drop)
    }

    async fn delete(&self, repository: &str) -> Answer<()> {
        let call = write("ecr:DeleteRepositoryPolicy");
        let answer = send!(self, call, |client| client.delete_repository_policy().repository_name(repository));
        done(answer, Failure::NotFound)
    }

    async fn digest_of(&self, repository: &str, tag: &str) -> Answer<Option<String>> {
        let call = read("ecr:DescribeImages");
        let id = ImageIdentifier::builder().image_tag(tag).build();
        let answer =
            send!(self, call, |client| client.describe_images().repository_name(repository).image_ids(id.clone()));
        let Some(answer) = found(answer)? else { return Ok(None) };
        Ok(answer.image_details.unwrap_or_default().into_iter().find_map(|image| image.image_digest))
    }
}

impl Repositories for AwsRepositories<'_> {
    fn policy(&self, repository: &str) -> Answer<Found> {
        self.at.cloud.block(self.policy_of(repository))
    }

    fn set_policy(&self, repository: &str, text: &str) -> Answer<()> {
        self.at.cloud.block(self.set(repository, text))
    }

    fn delete_policy(&self, repository: &str) -> Answer<()> {
        self.at.cloud.block(self.delete(repository))
    }

    fn digest(&self, repository: &str, tag: &str) -> Answer<Option<String>> {
        self.at.cloud.block(self.digest_of(repository, tag))
    }
}
